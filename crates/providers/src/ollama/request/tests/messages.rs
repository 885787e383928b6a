//! Messages, rule by rule.

use branchwork_core::message::{Body, FileSource, Native, Outcome, Part};
use serde_json::{Value, json};

use super::{asked, call, calls, check, request, result, sent, thought};

#[test]
fn each_voice_has_its_role() {
    let system = Body::System { text: "Be \"brief\"".to_owned() };
    check(&system, &json!({ "role": "system", "content": "Be \"brief\"" }), &[]);
    check(&Body::response("a"), &json!({ "role": "assistant", "content": "a" }), &[]);
    let parts = vec![Part::text("a"), Part::Data(json!([1]))];
    let asked = asked(parts, Some(json!("soon")));
    check(&asked, &json!({ "role": "user", "content": "a\n[1]\n\nContext:\nsoon" }), &[]);
    check(&super::asked(vec![], None), &json!({ "role": "user", "content": "" }), &[]);
}

#[test]
fn pictures_are_sent_bare_and_other_attachments_refused() {
    let image = |url: &str| Part::Image { url: url.to_owned(), detail: Some("low".to_owned()) };
    let parts = vec![
        Part::text("what?"),
        image("data:image/png;base64,AA=="),
        image("data:image/jpeg;base64,BB=="),
    ];
    let expected = json!({ "role": "user", "content": "what?", "images": ["AA==", "BB=="] });
    check(&asked(parts, None), &expected, &[]);
    let pictures = "this protocol takes pictures as `data:` URLs in base64 only";
    for (part, problem) in [
        (image("https://example.com/a.png"), pictures),
        (image("data:image/svg+xml,%3Csvg%3E"), pictures),
        (
            Part::Audio { url: "data:audio/wav;base64,AA==".to_owned() },
            "this protocol takes no sound",
        ),
        (
            Part::File { name: None, source: FileSource::Id("file-1".to_owned()) },
            "this protocol takes no files",
        ),
    ] {
        let refused = sent(&request(vec![asked(vec![part], None)]));
        assert_eq!(refused, Err(problem.to_owned()));
    }
}

#[test]
fn calls_have_arguments_as_objects_and_results_the_name_of_their_tool() {
    let wire_call = |index: u32, id: &str, arguments: Value| {
        json!({
            "id": id, "type": "function",
            "function": { "index": index, "name": "look", "arguments": arguments },
        })
    };
    let two = Body::ActionRequest {
        parts: vec![Part::text("I look")],
        calls: vec![call("a", r#"{"at": 1}"#), call("b", "")],
    };
    let expected = json!({
        "role": "assistant", "content": "I look",
        "tool_calls": [wire_call(0, "a", json!({ "at": 1 })), wire_call(1, "b", json!({}))],
    });
    check(&two, &expected, &[]);
    let broken = calls(vec![], "{broken");
    let wrapped = json!({ "_malformed": "{broken" });
    let expected =
        json!({ "role": "assistant", "content": "", "tool_calls": [wire_call(0, "c1", wrapped)] });
    check(&broken, &expected, &["arguments_wrapped 1"]);
    for (outcome, content) in [
        (Outcome::Succeeded(json!({ "t": 18 })), "{\"t\":18}"),
        (Outcome::Failed("no sun".to_owned()), "failed: no sun"),
    ] {
        let expected = json!({
            "role": "tool", "content": content, "tool_name": "look", "tool_call_id": "c1",
        });
        check(&result(outcome), &expected, &[]);
    }
}

#[test]
fn thoughts_go_back_unless_another_provider_signed_them() {
    let signed = Native::new("anthropic", "opus", json!("s")).into_detail();
    let parts = vec![
        thought("hm", None),
        thought("", None),
        thought("secret", Some(signed)),
        Part::text("a"),
        thought("ah", None),
    ];
    let expected = json!({ "role": "assistant", "content": "a", "thinking": "hm\nah" });
    check(&Body::Response { parts }, &expected, &["thought_left_out 1"]);
}

#[test]
fn pictures_that_the_model_drew_go_back_and_blocks_of_others_do_not() {
    let own = |block: Value| Part::Native(Native::new("ollama", "tiny", block));
    let picture = Part::Image { url: "data:image/png;base64,AA==".to_owned(), detail: None };
    let parts = vec![
        own(json!({ "images": ["AA==", "BB=="] })),
        own(json!({ "unheard": 1 })),
        Part::Native(Native::new("gemini", "tiny", json!({ "images": ["CC=="] }))),
        picture,
    ];
    let expected = json!({ "role": "assistant", "content": "", "images": ["AA==", "BB=="] });
    let rules = ["attachment_left_out 1", "native_left_out 2"];
    check(&Body::Response { parts }, &expected, &rules);
}

#[test]
fn an_answer_in_which_nothing_is_said_is_left_out() {
    for parts in [vec![], vec![Part::text("")], vec![thought("hm", None)]] {
        check(&Body::Response { parts }, &Value::Null, &["empty_answer_left_out 1"]);
    }
}
