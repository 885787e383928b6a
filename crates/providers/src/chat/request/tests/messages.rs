//! Messages, rule by rule.

use branchwork_core::message::{Body, CallId, FileSource, Native, Outcome, Part, ToolCall};
use serde_json::{Value, json};

use super::{adapted, asked, calls, dialect, render, request, result, thought};
use crate::{
    chat::Chat,
    dialect::{CallIds, Dialect, ReasoningBack, SystemRole},
};

/// Checks what is sent for one message.
fn check_as(dialect: Dialect, body: Body, expected: &str) {
    // Something is said behind it, as what says nothing is refused.
    let asked = Body::instruction("hi");
    let rendered = render(&request(vec![body, asked]), dialect).expect("a good request");
    let messages = rendered.split_once(r#""messages":["#).expect("messages are last").1;
    let sent = messages.strip_suffix(r#"{"role":"user","content":"hi"}]}"#);
    let sent = sent.expect("the last one is last");
    assert_eq!(sent.strip_suffix(',').unwrap_or(sent), expected);
}

fn check(body: Body, expected: &str) {
    check_as(Dialect::default(), body, expected);
}

#[test]
fn system_text_has_the_role_of_the_dialect() {
    let body = Body::System { text: "Be \"brief\"\n".to_owned() };
    check(body.clone(), r#"{"role":"system","content":"Be \"brief\"\n"}"#);
    let developer = Dialect { system_role: SystemRole::Developer, ..Dialect::default() };
    check_as(developer, body, r#"{"role":"developer","content":"Be \"brief\"\n"}"#);
}

#[test]
fn an_instruction_of_text_is_a_string() {
    check(Body::instruction("héllo"), r#"{"role":"user","content":"héllo"}"#);
    check(asked(vec![], None), r#"{"role":"user","content":""}"#);
    let parts = vec![Part::text("a"), Part::Data(json!({"k": [1, "x"]})), Part::text("b")];
    check(asked(parts, None), r#"{"role":"user","content":"a\n{\"k\":[1,\"x\"]}\nb"}"#);
}

#[test]
fn a_context_follows_the_text_as_compact_json() {
    let ask = |context| asked(vec![Part::text("q")], Some(context));
    let with = |text: &str| format!(r#"{{"role":"user","content":"q\n\nContext:\n{text}"}}"#);
    check(ask(json!({"b": 1, "a": [true]})), &with(r#"{\"a\":[true],\"b\":1}"#));
    check(ask(json!("plain \"text\"")), &with(r#"plain \"text\""#));
    for (falsy, text) in
        [(json!(""), ""), (json!(0), "0"), (json!({}), "{}"), (json!(null), "null")]
    {
        check(ask(falsy), &with(text));
    }
    let alone = r#"{"role":"user","content":"Context:\n7"}"#;
    check(asked(vec![], Some(json!(7))), alone);
}

#[test]
fn attachments_make_an_instruction_a_list() {
    let parts = vec![
        Part::text("what is this?"),
        Part::Image { url: "data:image/png;base64,AA".to_owned(), detail: Some("low".to_owned()) },
        Part::Image { url: "https://example.com/a.png".to_owned(), detail: None },
        Part::File {
            name: Some("a.pdf".to_owned()),
            source: FileSource::Url("data:application/pdf;base64,AA".to_owned()),
        },
        Part::File { name: None, source: FileSource::Id("file-1".to_owned()) },
        Part::Data(json!([1])),
    ];
    let expected = concat!(
        r#"{"role":"user","content":["#,
        r#"{"type":"text","text":"what is this?"},"#,
        r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"low"}},"#,
        r#"{"type":"image_url","image_url":{"url":"https://example.com/a.png"}},"#,
        r#"{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA"}},"#,
        r#"{"type":"file","file":{"file_id":"file-1"}},"#,
        r#"{"type":"text","text":"[1]"},"#,
        r#"{"type":"text","text":"Context:\nsoon"}]}"#,
    );
    check(asked(parts, Some(json!("soon"))), expected);
}

#[test]
fn a_text_that_says_nothing_is_no_part_beside_attachments() {
    let picture = Part::Image { url: "https://example.com/a.png".to_owned(), detail: None };
    check(
        asked(vec![Part::text(""), picture], None),
        r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}"#,
    );
}

#[test]
fn an_answer_without_text_is_left_out() {
    check(Body::response("hi"), r#"{"role":"assistant","content":"hi"}"#);
    check(Body::response(""), "");
    check(Body::Response { parts: vec![] }, "");
    check(Body::Response { parts: vec![thought("hm", None)] }, "");
}

#[test]
fn calls_and_results_are_paired_by_identifier() {
    let expected = concat!(
        r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","#,
        r#""function":{"name":"look","arguments":"{\"at\": 1}"}}]}"#,
    );
    check(calls(vec![], r#"{"at": 1}"#), expected);
    let beside = calls(vec![Part::text("I look")], "{}");
    let expected = expected.replace("null", r#""I look""#).replace(r#"\"at\": 1"#, "");
    check(beside, &expected);
    check(
        result(Outcome::Succeeded(json!("18 C"))),
        r#"{"role":"tool","content":"18 C","tool_call_id":"c1"}"#,
    );
    check(
        result(Outcome::Succeeded(json!({"t": 18}))),
        r#"{"role":"tool","content":"{\"t\":18}","tool_call_id":"c1"}"#,
    );
    check(
        result(Outcome::Failed("no \"sun\"".to_owned())),
        r#"{"role":"tool","content":"failed: no \"sun\"","tool_call_id":"c1"}"#,
    );
}

#[test]
fn malformed_arguments_are_wrapped_so_that_servers_can_parse_them() {
    for (arguments, sent) in [
        ("", "{}"),
        (" ", "{}"),
        ("[1]", r#"{"_malformed":"[1]"}"#),
        (r#"{"a":"\ud83d"}"#, r#"{"_malformed":"{\"a\":\"\\ud83d\"}"}"#),
        ("{\"a\":", r#"{"_malformed":"{\"a\":"}"#),
        ("plain", r#"{"_malformed":"plain"}"#),
    ] {
        let rendered = render(&request(vec![calls(vec![], arguments)]), Dialect::default());
        let body: Value = serde_json::from_str(&rendered.expect("good")).expect("JSON");
        let call = &body["messages"][0]["tool_calls"][0];
        assert_eq!(call["function"]["arguments"], sent, "{arguments}");
    }
}

#[test]
fn thoughts_go_back_as_the_dialect_says() {
    let parts = || vec![thought("hm", None), Part::text("hi")];
    let said = |rest: &str| format!(r#"{{"role":"assistant","content":"hi"{rest}}}"#);
    let answer = || Body::Response { parts: parts() };
    check(answer(), &said(""));
    check_as(dialect("deepseek"), answer(), &said(r#","reasoning_content":"hm""#));
    check_as(dialect("vllm"), answer(), &said(r#","reasoning":"hm""#));
    check_as(dialect("openrouter"), answer(), &said(r#","reasoning":"hm""#));
    check_as(dialect("groq"), answer(), &said(""));
    check_as(dialect("deepseek"), Body::response("hi"), &said(""));
    let unthinking = concat!(
        r#"{"role":"assistant","content":null,"reasoning_content":"","tool_calls":[{"id":"c1","#,
        r#""type":"function","function":{"name":"look","arguments":"{}"}}]}"#,
    );
    check_as(dialect("deepseek"), calls(vec![], "{}"), unthinking);
}

#[test]
fn reasoning_details_go_back_put_together() {
    let piece =
        |index: u32, text: &str| json!({"type": "reasoning.text", "index": index, "text": text});
    let signed = json!({"type": "reasoning.text", "index": 0, "text": "", "signature": "sig", "format": "f"});
    let secret = json!({"type": "reasoning.encrypted", "index": 1, "data": "xyz"});
    let details = json!([piece(0, "a"), piece(0, "b"), signed, secret, secret, piece(2, "c")]);
    let body = Body::Response { parts: vec![thought("ab", Some(details)), Part::text("hi")] };
    let rendered = render(&request(vec![body]), dialect("openrouter")).expect("good");
    let sent: Value = serde_json::from_str(&rendered).expect("JSON");
    let whole = json!({
        "type": "reasoning.text", "index": 0, "text": "ab", "signature": "sig", "format": "f"
    });
    let expected = json!([whole, secret, secret, piece(2, "c")]);
    assert_eq!(sent["messages"][0]["reasoning_details"], expected);
    assert_eq!(sent["messages"][0]["reasoning"], Value::Null);
    assert_eq!(dialect("openrouter").reasoning, ReasoningBack::ReasoningDetails);
}

#[test]
fn what_came_beside_a_call_goes_back_with_it_to_the_model_that_made_it() {
    let extra = json!({ "google": { "thought_signature": "c2ln" } });
    for (model, call, sent_back) in
        [("tiny", "c1", extra.clone()), ("other", "c1", Value::Null), ("tiny", "c2", Value::Null)]
    {
        let fields = json!({ "extra_content": extra, "id": "another", "type": "another" });
        let block = json!({ "tool_call": call, "fields": fields });
        let native = Part::Native(Native::new("chat", model, block));
        let asked = request(vec![calls(vec![native], "{}"), result(Outcome::Unknown)]);
        let rendered = render(&asked, Dialect::default()).expect("good");
        let sent: Value = serde_json::from_str(&rendered).expect("JSON");
        let call = &sent["messages"][0]["tool_calls"][0];
        assert_eq!(call["extra_content"], sent_back, "{model}");
        assert_eq!((&call["id"], &call["type"]), (&json!("c1"), &json!("function")));
    }
}

#[test]
fn details_of_another_model_do_not_go_back() {
    let of = |model: &str| {
        let signed = json!({ "type": "reasoning.text", "text": "ab", "signature": model });
        let whose = Native::new("chat", model, Value::Null).into_detail();
        thought("ab", Some(json!([whose, signed])))
    };
    let body = Body::Response { parts: vec![of("other"), of("tiny"), Part::text("hi")] };
    let asked = request(vec![body]);
    assert_eq!(asked.config.model.as_deref(), Some("tiny"));
    let rendered = render(&asked, dialect("openrouter")).expect("good");
    let sent: Value = serde_json::from_str(&rendered).expect("JSON");
    let signed = json!([{ "type": "reasoning.text", "text": "ab", "signature": "tiny" }]);
    assert_eq!(sent["messages"][0]["reasoning_details"], signed);
    let body = Body::Response { parts: vec![of("other"), Part::text("hi")] };
    let rendered = render(&request(vec![body]), dialect("openrouter")).expect("good");
    let sent: Value = serde_json::from_str(&rendered).expect("JSON");
    assert_eq!(sent["messages"][0], json!({ "role": "assistant", "content": "hi" }));
}

#[test]
fn details_of_other_protocols_do_not_go_back_alone_or_in_a_list() {
    let foreign = Native::new("responses", "tiny", json!({ "encrypted_content": "seal" }));
    let foreign = foreign.into_detail();
    let own = json!({ "type": "reasoning.encrypted", "data": "xyz" });
    for (detail, expected) in [
        (foreign.clone(), Value::Null),
        (json!([foreign, foreign]), Value::Null),
        (json!([foreign, own]), json!([own])),
        (own.clone(), json!([own])),
    ] {
        let body = Body::Response { parts: vec![thought("", Some(detail)), Part::text("hi")] };
        let rendered = render(&request(vec![body]), dialect("openrouter")).expect("good");
        let sent: Value = serde_json::from_str(&rendered).expect("JSON");
        assert_eq!(sent["messages"][0]["reasoning_details"], expected);
    }
}

#[test]
fn identifiers_of_calls_are_made_to_the_form_the_dialect_takes() {
    let mistral = dialect("mistral");
    assert_eq!(mistral.call_ids, CallIds::NineLettersOrDigits);
    let bodies = vec![calls(vec![], "{}"), result(Outcome::Unknown)];
    let rendered = render(&request(bodies), mistral).expect("good");
    let body: Value = serde_json::from_str(&rendered).expect("JSON");
    let id = &body["messages"][0]["tool_calls"][0]["id"];
    assert_eq!(id.as_str().map(str::len), Some(9));
    assert_eq!(id, &body["messages"][1]["tool_call_id"]);
}

#[test]
fn what_another_provider_or_a_model_made_up_is_made_to_the_form_of_openai() {
    let long = "x".repeat(80);
    let call = ToolCall {
        id: CallId::new(long.as_str()),
        function: "no such.tool".to_owned(),
        arguments: "{}".to_owned(),
    };
    let function = call.function.clone();
    let bodies = vec![
        Body::ActionRequest { parts: vec![], calls: vec![call] },
        Body::ActionResponse {
            call: CallId::new(long.as_str()),
            function,
            outcome: Outcome::Unknown,
        },
    ];
    let body = |dialect: Dialect| -> Value {
        let rendered = render(&request(bodies.clone()), dialect).expect("good");
        serde_json::from_str(&rendered).expect("JSON")
    };
    let sent = body(dialect("openai"));
    let call = &sent["messages"][0]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "no_such_tool");
    assert!(call["id"].as_str().is_some_and(|id| id.len() <= 40), "{call}");
    assert_eq!(sent["messages"][1]["tool_call_id"], call["id"]);
    // Servers may read what they made themselves in an identifier.
    let sent = body(dialect("together"));
    assert_eq!(sent["messages"][0]["tool_calls"][0]["id"], *long);
    let noted = adapted(&Chat { dialect: dialect("openai") }, &request(bodies));
    assert_eq!(noted, ["call_id_remade 1", "call_name_remade 1"]);
}

#[test]
fn words_stand_for_an_answer_that_never_came_where_one_must_follow_results() {
    let bodies = vec![calls(vec![], "{}"), result(Outcome::Unknown), Body::instruction("go on")];
    let roles = |name: &str| -> Vec<Value> {
        let rendered = render(&request(bodies.clone()), dialect(name)).expect("good");
        let body: Value = serde_json::from_str(&rendered).expect("JSON");
        let messages = body["messages"].as_array().expect("a list").iter();
        messages.map(|message| message["role"].clone()).collect()
    };
    assert_eq!(roles("openai"), ["assistant", "tool", "user"]);
    assert_eq!(roles("mistral"), ["assistant", "tool", "assistant", "user"]);
    let answered = [&bodies[..2], &[Body::response("18 C"), Body::instruction("go on")]].concat();
    let noted = |bodies: &[Body]| {
        let mistral = Chat { dialect: dialect("mistral") };
        adapted(&mistral, &request(bodies.to_vec()))
    };
    assert_eq!(noted(&bodies), ["answer_put_in 1", "call_id_remade 1"]);
    assert_eq!(noted(&answered), ["call_id_remade 1"]);
}

#[test]
fn sound_is_sent_in_the_two_forms_the_protocol_has_and_refused_in_others() {
    let sound = |url: &str| asked(vec![Part::Audio { url: url.to_owned() }], None);
    check(
        sound("data:audio/mpeg;base64,AA=="),
        r#"{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA==","format":"mp3"}}]}"#,
    );
    for odd in ["data:audio/ogg;base64,AA==", "https://example.com/a.wav"] {
        let refused = render(&request(vec![sound(odd)]), Dialect::default());
        assert!(refused.is_err_and(|problem| problem.contains("audio/wav")), "{odd}");
    }
}

#[test]
fn what_is_sent_otherwise_than_it_is_kept_is_noted() {
    let native = Native::new("anthropic", "opus", json!({"type": "server_tool_use"}));
    let bodies = vec![
        Body::Response { parts: vec![thought("hm", None)] },
        calls(vec![Part::Native(native), thought("ah", None)], "{broken"),
        result(Outcome::Unknown),
    ];
    let noted = |dialect: &str| {
        let dialect = super::dialect(dialect);
        adapted(&Chat { dialect }, &request(bodies.clone()))
    };
    let always = ["arguments_wrapped 1", "empty_answer_left_out 1", "native_left_out 1"];
    assert_eq!(noted("deepseek"), always);
    let mut expected = always.map(str::to_owned).to_vec();
    expected.insert(1, "call_id_remade 1".to_owned());
    expected.push("thought_left_out 2".to_owned());
    assert_eq!(noted("mistral"), expected);
}
