//! What models said: thoughts, citations, tools of the server, what only a server understands.

use branchwork_core::message::{Body, Native, Part};
use serde_json::{Value, json};

use super::{
    GO_ON, assistant, call, check, check_as, native, response, said, signed, thought, user,
};

const OPUS: &str = "claude-opus-5";
const SONNET: &str = "claude-sonnet-5";

/// An answer in the middle, and what is sent around it.
fn between(parts: Vec<Part>) -> Vec<Body> {
    vec![Body::instruction("hi"), response(parts), Body::instruction("hi")]
}

/// Checks what [`SONNET`] is sent for an answer.
fn check_answer(parts: Vec<Part>, rules: &str, blocks: &[&str]) {
    let hi = user(&said("hi"));
    if blocks.is_empty() {
        let joined = user(&[said("hi"), said("hi")].join(","));
        return check_as(SONNET, between(parts), rules, &[&joined]);
    }
    check_as(SONNET, between(parts), rules, &[&hi, &assistant(&blocks.join(",")), &hi]);
}

fn thinking() -> Value {
    serde_json::from_str(r#"{"type":"thinking","thinking":"h\u00e9\n","signature":"E+/="}"#)
        .expect("JSON")
}

#[test]
fn thoughts_go_back_to_the_model_that_had_them() {
    let block = thinking().to_string();
    let parts = |model| vec![signed(model, thinking()), Part::text("yes")];
    check_answer(parts(SONNET), "", &[&block, &said("yes")]);
    check_answer(parts(OPUS), "thought_of_other_model_left_out 1", &[&said("yes")]);
    check_answer(parts("tiny"), "thought_of_other_model_left_out 1", &[&said("yes")]);
    let hidden = json!({"type": "redacted_thinking", "data": "EmwKAhgB"});
    let parts = vec![Part::text("no"), signed(SONNET, hidden.clone()), Part::text("yes")];
    check_answer(parts, "", &[&said("no"), &hidden.to_string(), &said("yes")]);
}

#[test]
fn thoughts_that_nobody_signed_are_left_out() {
    let of_another = Native::new("gemini", SONNET, json!({"signature": "x"})).into_detail();
    let details = json!([{"type": "reasoning.text", "signature": "x"}]);
    for detail in [None, Some(of_another), Some(details)] {
        let parts = vec![thought("hm", detail), Part::text("yes")];
        check_answer(parts, "thought_left_out 1", &[&said("yes")]);
    }
}

#[test]
fn a_thought_without_a_signature_goes_back_to_those_who_give_none() {
    let unsigned = json!({"type": "thinking", "thinking": "hm", "signature": ""});
    let parts = |model| vec![signed(model, unsigned.clone()), Part::text("yes")];
    check_answer(parts(SONNET), "thought_left_out 1", &[&said("yes")]);
    let hi = user(&said("hi"));
    let blocks = [unsigned.to_string(), said("yes")].join(",");
    check(between(parts("tiny")), "", &[&hi, &assistant(&blocks), &hi]);
}

#[test]
fn a_thought_that_nothing_follows_is_left_out() {
    let only = vec![signed(SONNET, thinking()), signed(SONNET, thinking())];
    check_answer(only, "empty_answer_left_out 1, thought_at_end_left_out 2", &[]);
    let blank = vec![Part::text("a"), signed(SONNET, thinking()), Part::text(" ")];
    check_answer(blank, "blank_text_left_out 1, thought_at_end_left_out 1", &[&said("a")]);
    let calls = vec![call("c1", "{}")];
    let parts = vec![Part::Call(0), signed(SONNET, thinking())];
    let bodies = vec![Body::instruction("hi"), Body::ActionRequest { parts, calls }];
    let used = r#"{"type":"tool_use","id":"c1","name":"look","input":{}}"#;
    let rules = "asked_to_go_on 1, thought_at_end_left_out 1";
    check_as(SONNET, bodies, rules, &[&user(&said("hi")), &assistant(used), GO_ON]);
}

#[test]
fn thoughts_stand_side_by_side_only_where_the_model_had_them_so() {
    let block = thinking().to_string();
    let hidden = json!({"type": "redacted_thinking", "data": "EmwKAhgB"});
    let together = vec![signed(SONNET, thinking()), signed(SONNET, hidden.clone()), said_part()];
    check_answer(together, "", &[&block, &hidden.to_string(), &said("b")]);
    let parted = |between: Part| {
        vec![signed(SONNET, thinking()), between, signed(SONNET, hidden.clone()), said_part()]
    };
    let expected = [&*block, &said("b")];
    let blank = "blank_text_left_out 1, displaced_thought_left_out 1";
    check_answer(parted(Part::text("\n\n")), blank, &expected);
    let native = "displaced_thought_left_out 1, native_left_out 1";
    check_answer(parted(super::native("glm-5", json!({"type": "x"}))), native, &expected);
    let text = [&*block, &said("a"), &hidden.to_string(), &said("b")];
    check_answer(parted(Part::text("a")), "", &text);
}

#[test]
fn blocks_go_back_at_their_places_to_models_of_one_maker() {
    let block = json!({"type": "unheard_of", "z": {"b": 1, "a": [null, "é\u{0}"]}, "a": 2});
    let parts = |model| vec![Part::text("a"), native(model, block.clone()), Part::text("b")];
    check_answer(parts(OPUS), "", &[&said("a"), &block.to_string(), &said("b")]);
    check_answer(parts("glm-5"), "native_left_out 1", &[&said("a"), &said("b")]);
    let foreign = Native::new("gemini", SONNET, json!({"type": "text"}));
    check_answer(vec![Part::Native(foreign), Part::text("b")], "native_left_out 1", &[&said("b")]);
    // What is no block cannot be sent as one.
    check_answer(vec![native(SONNET, json!(7)), said_part()], "native_left_out 1", &[&said("b")]);
}

fn said_part() -> Part {
    Part::text("b")
}

fn search(id: &str) -> Value {
    json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": "x"}})
}

fn found(id: &str) -> Value {
    json!({"type": "web_search_tool_result", "tool_use_id": id, "content": []})
}

#[test]
fn calls_of_the_servers_tools_go_back_with_their_results() {
    let (first, second) = (search("srvtoolu_1"), search("srvtoolu_2"));
    let (first_found, second_found) = (found("srvtoolu_1"), found("srvtoolu_2"));
    let blocks = [&first, &second, &second_found, &first_found];
    let parts = blocks.map(|block| native(SONNET, block.clone()));
    let shown = blocks.map(Value::to_string);
    check_answer(parts.to_vec(), "", &shown.each_ref().map(String::as_str));
    let unpaired = "unpaired_native_left_out 1";
    let said_b = said("b");
    for alone in [first.clone(), first_found.clone()] {
        check_answer(vec![native(SONNET, alone), said_part()], unpaired, &[&said_b]);
    }
    let turned = vec![native(SONNET, first_found), native(SONNET, first), said_part()];
    check_answer(turned, "unpaired_native_left_out 2", &[&said_b]);
    let run = json!({"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "a", "input": {}});
    let ran = json!({"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": []});
    let parts = vec![native(SONNET, run.clone()), native(SONNET, ran.clone())];
    check_answer(parts, "", &[&run.to_string(), &ran.to_string()]);
}

#[test]
fn a_server_that_paused_goes_on() {
    let hi = user(&said("hi"));
    let paused = vec![Part::text("a"), native(SONNET, search("srvtoolu_1"))];
    let bodies = vec![Body::instruction("hi"), response(paused.clone())];
    let blocks = [said("a"), search("srvtoolu_1").to_string()].join(",");
    check_as(SONNET, bodies, "", &[&hi, &assistant(&blocks)]);
    check_answer(paused, "unpaired_native_left_out 1", &[&said("a")]);
    // What was called beside calls of ours is called again.
    let used = r#"{"type":"tool_use","id":"c1","name":"look","input":{}}"#;
    let rules = "asked_to_go_on 1, unpaired_native_left_out 1";
    let search = native(SONNET, search("srvtoolu_1"));
    for parts in [vec![search.clone(), Part::Call(0)], vec![Part::Call(0), search]] {
        let calls = vec![call("c1", "{}")];
        let bodies = vec![Body::instruction("hi"), Body::ActionRequest { parts, calls }];
        check_as(SONNET, bodies, rules, &[&hi, &assistant(used), GO_ON]);
    }
}

#[test]
fn citations_go_back_on_the_text_they_belong_to() {
    let cited = json!([
        {"type": "text", "text": "It is ", "citations": null},
        {"type": "text", "text": " \n"},
        {"type": "text", "text": "18 C", "citations": [{"type": "char_location", "cited_text": "18"}]},
    ]);
    let text = "It is  \n18 C";
    let parts = |model| vec![Part::text(text), native(model, cited.clone()), Part::text("b")];
    // The API refuses a piece that is blank.
    let pieces = [cited[0].to_string(), cited[2].to_string(), said("b")];
    check_answer(parts(OPUS), "", &pieces.each_ref().map(String::as_str));
    let plain = [said(r"It is  \n18 C"), said("b")];
    let plain = plain.each_ref().map(String::as_str);
    check_answer(parts("glm-5"), "citations_left_out 1", &plain);
    // The text was edited since.
    let mut edited = parts(OPUS);
    edited[0] = Part::text("It is cold");
    check_answer(edited, "citations_left_out 1", &[&said("It is cold"), &said("b")]);
    // Nothing to put them on.
    let alone = vec![native(OPUS, cited.clone()), Part::text("b")];
    check_answer(alone, "native_left_out 1", &[&said("b")]);
}

#[test]
fn pictures_and_files_of_an_answer_are_left_out() {
    let picture = Part::Image { url: "https://example.com/a.png".into(), detail: None };
    let parts = vec![picture, Part::Data(json!({"k": 7}))];
    check_answer(parts, "attachment_left_out 1", &[&said(r#"{\"k\":7}"#)]);
}

#[test]
fn models_of_others_get_their_own_blocks_back() {
    let block = json!({"type": "unheard_of"});
    let parts = vec![signed("tiny", thinking()), native("tiny", block.clone()), said_part()];
    let blocks = [thinking().to_string(), block.to_string(), said("b")].join(",");
    let hi = user(&said("hi"));
    check(between(parts), "", &[&hi, &assistant(&blocks), &hi]);
}
