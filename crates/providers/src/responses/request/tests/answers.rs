//! Answers, rule by rule.

use branchwork_core::message::{Body, CallId, Native, Outcome, Part, ToolCall};
use serde_json::{Value, json};

use super::{block, block_of, calls, check, check_by, kept, request, response, sent, thought};

/// The item of text that an assistant said.
fn said(text: &str) -> String {
    format!(r#"{{"type":"message","role":"assistant","content":"{text}"}}"#)
}

const CALL: &str = r#"{"type":"function_call","call_id":"c1","name":"look","arguments":"{}"}"#;

fn sealed(id: &str) -> Value {
    json!({ "type": "reasoning", "id": id, "summary": [], "encrypted_content": "seal", "status": "completed" })
}

const SEALED: &str = r#"{"encrypted_content":"seal","summary":[],"type":"reasoning"}"#;

#[test]
fn an_answer_without_text_is_left_out() {
    let rule = ["empty_answer_left_out 1"];
    check(Body::response("hi"), &said("hi"));
    check_by(Body::response(""), "", &rule);
    check_by(response(vec![]), "", &rule);
    check_by(response(vec![thought("", None)]), "", &rule);
    check_by(
        response(vec![thought("hm", None)]),
        "",
        &["empty_answer_left_out 1", "thought_left_out 1"],
    );
    let picture = Part::Image { url: "https://example.com/a.png".to_owned(), detail: None };
    check_by(response(vec![Part::text("a"), picture]), &said("a"), &["attachment_left_out 1"]);
}

#[test]
fn calls_stand_at_their_place_or_after_all_parts() {
    let parts = vec![Part::text("a"), Part::Call(0), Part::text("b")];
    check(calls(parts, "{}"), &format!("{},{CALL},{}", said("a"), said("b")));
    check(calls(vec![Part::text("a")], ""), &format!("{},{CALL}", said("a")));
    // A place that is said twice, or that no call has, is none.
    let parts = vec![Part::Call(0), Part::Call(7), Part::Call(0), Part::text("a")];
    check(calls(parts, "{}"), &format!("{CALL},{}", said("a")));
}

#[test]
fn calls_of_other_providers_are_made_legal() {
    let call = |id: &str, function: &str, arguments: &str| ToolCall {
        id: CallId::new(id),
        function: function.to_owned(),
        arguments: arguments.to_owned(),
    };
    let two = [call("c#1", "a.b", "{\"a\":"), call("c2", "ok", "{\"a\":1}")];
    let (call, function) = (CallId::new("c#1"), "a.b".to_owned());
    let result = Body::ActionResponse { call, function, outcome: Outcome::Unknown };
    let calls = Body::ActionRequest { parts: vec![], calls: two.to_vec() };
    let request = request(vec![calls, result]);
    let input = sent(&request)["input"].take();
    let id = input[0]["call_id"].as_str().expect("an identifier");
    assert!(id.len() == 21 && id.starts_with("call_"), "{id}");
    assert_eq!(input[2]["call_id"], id);
    assert_eq!(input[0]["name"], "a_b");
    assert_eq!(input[0]["arguments"], r#"{"_malformed":"{\"a\":"}"#);
    assert_eq!(
        input[1],
        json!({ "type": "function_call", "call_id": "c2", "name": "ok", "arguments": "{\"a\":1}" })
    );
    let rules = ["arguments_wrapped 1", "call_id_remade 1", "call_name_remade 1"];
    assert_eq!(crate::testing::adapted(&super::WIRE, &request), rules);
}

#[test]
fn a_sealed_thought_goes_back_to_its_model_without_what_is_output_only() {
    let answer = |block| response(vec![kept("hm", "tiny", block), Part::text("a")]);
    check_by(
        answer(sealed("rs_1")),
        &format!("{SEALED},{}", said("a")),
        &["thought_id_left_out 1"],
    );
    // What it says otherwise stays, and a missing summary is added.
    let odd = json!({ "type": "reasoning", "encrypted_content": "é\u{1f511}\n", "x": [1.5] });
    let expected = r#"{"encrypted_content":"é🔑\n","type":"reasoning","x":[1.5],"summary":[]}"#;
    check(answer(odd), &format!("{expected},{}", said("a")));
}

#[test]
fn an_open_thought_goes_back_as_it_came() {
    let open = json!({
        "type": "reasoning", "id": "rs_1", "status": "completed", "summary": [],
        "encrypted_content": "", "content": [{ "type": "reasoning_text", "text": "hm" }],
    });
    let answer = |part: Part| response(vec![part, Part::text("a")]);
    let expected = format!("{open},{}", said("a"));
    check(answer(kept("hm", "tiny", open.clone())), &expected);
    // The same where the server told of it late.
    let detail = Native::new("responses", "tiny", open).into_detail();
    check(answer(thought("hm", Some(json!([detail])))), &expected);
}

#[test]
fn a_thought_that_only_others_can_read_is_left_out() {
    let answer = |part: Part| response(vec![part, Part::text("a")]);
    let foreign = Native::new("anthropic", "tiny", json!({ "signature": "s" })).into_detail();
    let nothing = json!({ "type": "reasoning", "id": "rs_1", "summary": [{ "text": "hm" }] });
    for part in [
        thought("hm", None),
        thought("hm", Some(foreign)),
        thought("hm", Some(json!([{ "type": "reasoning.text" }]))),
        kept("hm", "tiny", nothing),
        kept("hm", "tiny", json!("odd")),
    ] {
        check_by(answer(part), &said("a"), &["thought_left_out 1"]);
    }
    let rule = ["thought_of_other_model_left_out 1"];
    check_by(answer(kept("hm", "huge", sealed("rs_1"))), &said("a"), &rule);
}

#[test]
fn a_thought_is_sent_only_before_what_it_led_to() {
    let think = || kept("hm", "tiny", sealed("rs_1"));
    check_by(
        response(vec![Part::text("a"), think(), think()]),
        &said("a"),
        &["thought_at_end_left_out 2"],
    );
    check_by(
        response(vec![think()]),
        "",
        &["empty_answer_left_out 1", "thought_at_end_left_out 1"],
    );
    // A call without a place comes after the thought, and an unsent block is nothing.
    check_by(calls(vec![think()], "{}"), &format!("{SEALED},{CALL}"), &["thought_id_left_out 1"]);
    let foreign = Part::Native(Native::new("gemini", "tiny", json!({})));
    check_by(
        response(vec![Part::text("a"), think(), foreign]),
        &said("a"),
        &["native_left_out 1", "thought_at_end_left_out 1"],
    );
}

#[test]
fn items_of_hosted_tools_go_back_as_they_came_at_their_place() {
    let search = json!({ "type": "web_search_call", "id": "ws_1", "status": "completed",
        "action": { "type": "search", "query": "a \"b\" é" } });
    let list = json!({ "type": "mcp_list_tools", "id": "mcpl_1", "tools": [] });
    let odd = json!({ "type": "hologram", "data": [1, 2.5, null] });
    let parts =
        vec![block(search.clone()), Part::text("a"), block(list.clone()), block(odd.clone())];
    check(response(parts), &format!("{search},{},{list},{odd}", said("a")));
    // Another model can read them, but for a seal.
    check(response(vec![block_of("huge", search.clone())]), &search.to_string());
    let compaction = json!({ "type": "compaction", "encrypted_content": "seal" });
    check(response(vec![block(compaction.clone())]), &compaction.to_string());
    check_by(
        response(vec![block_of("huge", compaction), Part::text("a")]),
        &said("a"),
        &["native_of_other_model_left_out 1"],
    );
}

#[test]
fn calls_and_outputs_that_lack_each_other_are_left_out() {
    let item = |kind: &str, call_id: &str| json!({ "type": kind, "call_id": call_id });
    let rule = |count: u32| format!("unpaired_native_left_out {count}");
    let left_out = |items: &[Value]| {
        let parts = items.iter().cloned().map(block).chain([Part::text("a")]).collect();
        let count = u32::try_from(items.len()).expect("few");
        check_by(response(parts), &said("a"), &[&rule(count)]);
    };
    left_out(&[item("computer_call", "c")]);
    left_out(&[item("custom_tool_call", "c"), item("local_shell_call", "c")]);
    left_out(&[item("shell_call_output", "c"), item("shell_call", "d")]);
    left_out(&[item("function_call_output", "c")]);
    let pair = [item("shell_call", "c"), item("shell_call_output", "c")];
    let both = format!("{},{}", pair[0], pair[1]);
    check(response(pair.into_iter().map(block).collect()), &both);
    // What the server runs and answers in one item has no pair.
    let server = json!({ "type": "tool_search_call", "call_id": null, "execution": "server" });
    check(response(vec![block(server.clone())]), &server.to_string());
}

#[test]
fn calls_that_ran_in_a_container_are_left_out_with_their_outputs() {
    let code = json!({ "type": "code_interpreter_call", "id": "ci_1", "container_id": "cntr_1" });
    let shell = json!({ "type": "shell_call", "call_id": "c",
        "environment": { "type": "container_reference", "container_id": "cntr_1" } });
    let output = json!({ "type": "shell_call_output", "call_id": "c" });
    check_by(
        response(vec![block(code), block(shell), block(output), Part::text("a")]),
        &said("a"),
        &["container_call_left_out 2", "unpaired_native_left_out 1"],
    );
    let auto = json!({ "type": "code_interpreter_call", "id": "ci_1", "container_id": null });
    check(response(vec![block(auto.clone())]), &auto.to_string());
}

#[test]
fn what_a_message_says_beside_its_text_goes_back_with_it() {
    let note = |phase: Value, annotations: Value| {
        block(json!({ "type": "message", "phase": phase, "annotations": annotations }))
    };
    let phase =
        |text: &str, phase: &str| said(text).replace('}', &format!(r#","phase":"{phase}"}}"#));
    let parts = vec![
        Part::text("a"),
        block(json!({ "type": "message", "phase": "commentary" })),
        Part::text("b"),
        Part::Data(json!(1)),
        note(json!("final_answer"), json!([{ "type": "url_citation" }])),
        block(json!({ "type": "message" })),
        Part::text("c"),
    ];
    let expected =
        format!("{},{},{}", phase("a", "commentary"), phase(r"b\n1", "final_answer"), said("c"));
    check_by(response(parts), &expected, &["citations_left_out 1"]);
    // Of text that is gone there is nothing to say.
    let gone = vec![Part::text(""), block(json!({ "type": "message", "phase": "commentary" }))];
    check_by(response(gone), "", &["empty_answer_left_out 1"]);
}
