//! Answers: signatures, thoughts, blocks and calls.

use branchwork_core::message::{Body, CallId, Native, Part, ToolCall};
use serde_json::{Value, json};

use super::{NEW, OLD, call, check_answer, thought};
use crate::gemini::{native, request::SIGNATURE};

fn own(model: &str, block: Value) -> Part {
    Part::Native(native::native(model, block))
}

fn foreign() -> Part {
    Part::Native(Native::new("anthropic", NEW, json!({ "type": "server_tool_use" })))
}

fn own_thought(model: &str, text: &str, block: Value) -> Part {
    thought(text, Some(native::native(model, block).into_detail()))
}

fn said(parts: Vec<Part>) -> Body {
    Body::Response { parts }
}

fn calls(parts: Vec<Part>, ids: &[&str]) -> Body {
    Body::ActionRequest { parts, calls: ids.iter().map(|id| call(id, "{}")).collect() }
}

fn wire_call(id: &str, signature: Option<&str>) -> Value {
    let mut part = json!({ "functionCall": { "id": id, "name": "look", "args": {} } });
    if let Some(signature) = signature {
        part["thoughtSignature"] = json!(signature);
    }
    part
}

#[test]
fn signatures_go_back_with_their_calls() {
    let signed = json!({ "thoughtSignature": "s1" });
    let parts = vec![Part::text("a"), own(NEW, signed.clone())];
    let expected = json!([{ "text": "a" }, wire_call("x", Some("s1")), wire_call("y", None)]);
    check_answer(NEW, &calls(parts, &["x", "y"]), &expected, &[]);
    // Each call at its place, with the marks before it.
    let placed = vec![
        own(NEW, signed.clone()),
        Part::Call(0),
        Part::text("then"),
        own(NEW, json!({ "thoughtSignature": "s2", "partMetadata": { "k": 1 } })),
        Part::Call(1),
    ];
    let mut second = wire_call("y", Some("s2"));
    second["partMetadata"] = json!({ "k": 1 });
    let expected = json!([wire_call("x", Some("s1")), { "text": "then" }, second]);
    check_answer(NEW, &calls(placed, &["x", "y"]), &expected, &[]);
    // Marks without a call are nothing.
    let alone = said(vec![own(NEW, signed), Part::text("a")]);
    check_answer(NEW, &alone, &json!([{ "text": "a" }]), &["signature_left_out 1"]);
}

#[test]
fn the_first_call_of_an_answer_is_always_signed_where_that_is_checked() {
    let unsigned = calls(vec![], &["x", "y"]);
    let expected = json!([wire_call("x", Some(SIGNATURE)), wire_call("y", None)]);
    check_answer(NEW, &unsigned, &expected, &["signature_put_in 1"]);
    // Signatures of another model are none.
    let switched = calls(vec![own("gemini-3-flash", json!({ "thoughtSignature": "s" }))], &["x"]);
    let rules = ["signature_left_out 1", "signature_put_in 1"];
    check_answer(NEW, &switched, &json!([wire_call("x", Some(SIGNATURE))]), &rules);
    for model in [OLD, "gemma-4-31b-it"] {
        let expected = json!([
            { "functionCall": { "name": "look", "args": {} } },
            { "functionCall": { "name": "look", "args": {} } },
        ]);
        check_answer(model, &unsigned, &expected, &[]);
    }
}

#[test]
fn a_text_is_cut_again_into_the_parts_that_were_signed() {
    let pieces = json!({ "texts": [
        { "bytes": 3, "thoughtSignature": "s" }, { "bytes": 2 },
        { "bytes": 0, "thoughtSignature": "t" },
    ] });
    let expected = json!([
        { "text": "hé", "thoughtSignature": "s" }, { "text": "!?" },
        { "text": "", "thoughtSignature": "t" },
    ]);
    let answer = |text: &str| said(vec![Part::text(text), own(NEW, pieces.clone())]);
    check_answer(NEW, &answer("hé!?"), &expected, &[]);
    // Another text than was signed, or another model than signed it.
    check_answer(NEW, &answer("hé!"), &json!([{ "text": "hé!" }]), &["signature_left_out 1"]);
    check_answer(OLD, &answer("hé!?"), &json!([{ "text": "hé!?" }]), &["signature_left_out 1"]);
}

#[test]
fn thoughts_go_back_to_the_model_that_had_them() {
    let parts = vec![
        own_thought(NEW, "hm", json!({ "thoughtSignature": "s" })),
        own_thought(NEW, "ah", json!({})),
        own_thought(NEW, "", json!({})),
        Part::text("a"),
    ];
    let expected = json!([
        { "text": "hm", "thought": true, "thoughtSignature": "s" },
        { "text": "ah", "thought": true },
        { "text": "a" },
    ]);
    check_answer(NEW, &said(parts.clone()), &expected, &[]);
    check_answer(OLD, &said(parts), &json!([{ "text": "a" }]), &["thought_left_out 3"]);
    let others = vec![
        thought("hm", None),
        thought("hm", Some(json!([{ "type": "reasoning.text" }]))),
        thought("hm", Some(Native::new("anthropic", NEW, json!("s")).into_detail())),
        Part::text("a"),
    ];
    check_answer(NEW, &said(others), &json!([{ "text": "a" }]), &["thought_left_out 3"]);
    let gemma = "gemma-4-31b-it";
    let own = vec![own_thought(gemma, "hm", json!({})), Part::text("a")];
    check_answer(gemma, &said(own), &json!([{ "text": "a" }]), &["thought_left_out 1"]);
}

#[test]
fn blocks_go_back_as_they_came_and_without_signature_to_another_model() {
    let code = json!({ "executableCode": { "code": "1", "language": "PYTHON" } });
    let mut signed = code.clone();
    signed["thoughtSignature"] = json!("s");
    let unheard = json!({ "unheardOf": [1], "thoughtSignature": "é=" });
    let late = json!({ "text": "", "thoughtSignature": "t" });
    let source = json!({ "groundingMetadata": { "webSearchQueries": ["q"] } });
    let blocks = [&signed, &unheard, &late, &source].map(|block| own(NEW, block.clone()));
    let mut parts = blocks.to_vec();
    parts.push(foreign());
    let expected = json!([signed, unheard, late]);
    let rules = ["native_left_out 1", "source_left_out 1"];
    check_answer(NEW, &said(parts.clone()), &expected, &rules);
    let rules = ["native_left_out 3", "signature_left_out 1", "source_left_out 1"];
    check_answer(OLD, &said(parts), &json!([code]), &rules);
}

#[test]
fn what_says_nothing_to_the_user_is_no_answer() {
    for (parts, rules) in [
        (vec![], &["empty_answer_left_out 1", "turns_joined 1"][..]),
        (vec![Part::text("")], &["empty_answer_left_out 1", "turns_joined 1"]),
        (vec![own_thought(NEW, "hm", json!({}))], &["empty_answer_left_out 1", "turns_joined 1"]),
        (vec![foreign()], &["empty_answer_left_out 1", "native_left_out 1", "turns_joined 1"]),
    ] {
        let bodies = [Body::instruction("q"), said(parts), Body::instruction("r")];
        let contents = json!([{ "role": "user", "parts": [{ "text": "q" }, { "text": "r" }] }]);
        super::check_for(NEW, &bodies, &contents, rules);
    }
    let picture = Part::Image { url: "data:image/png;base64,AA==".to_owned(), detail: None };
    let parts = vec![Part::text("a"), picture, Part::Data(json!([1]))];
    let expected = json!([{ "text": "a" }, { "text": "[1]" }]);
    check_answer(NEW, &said(parts), &expected, &["attachment_left_out 1"]);
}

#[test]
fn arguments_are_objects_and_names_are_legal_whoever_made_the_call() {
    for (function, arguments, name, args, rules) in [
        ("look", r#"{"b": 1}"#, "look", json!({ "b": 1 }), &[][..]),
        ("look", "", "look", json!({}), &[]),
        ("look", "[1]", "look", json!({ "_malformed": "[1]" }), &["arguments_wrapped 1"]),
        ("9 lives", "{}", "_9_lives", json!({}), &["call_name_remade 1"]),
    ] {
        let (id, function) = (CallId::new("x"), function.to_owned());
        let call = ToolCall { id, function, arguments: arguments.to_owned() };
        let body = Body::ActionRequest { parts: vec![], calls: vec![call] };
        let expected = json!([{ "functionCall": { "name": name, "args": args } }]);
        check_answer(OLD, &body, &expected, rules);
    }
}

#[test]
fn arguments_keep_every_byte_of_what_the_model_wrote() {
    let arguments = r#"{"z": 1.50, "a": "\u00e9\/", "n": 12345678901234567890}"#;
    let body = Body::ActionRequest { parts: vec![], calls: vec![call("x", arguments)] };
    let rendered = crate::testing::render(&crate::gemini::Gemini, &super::ask(NEW, vec![body]));
    assert!(rendered.is_ok_and(|rendered| rendered.contains(arguments)));
}
