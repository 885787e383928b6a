//! Turns: whose they are, what joins, what is put in.

use branchwork_core::message::{Body, CallId, Outcome, Part};
use serde_json::{Value, json};

use super::{NEW, OLD, ask, asked, call, check_for, sent};

fn user(text: &str) -> Value {
    json!({ "role": "user", "parts": [{ "text": text }] })
}

fn model(text: &str) -> Value {
    json!({ "role": "model", "parts": [{ "text": text }] })
}

fn system(text: &str) -> Body {
    Body::System { text: text.to_owned() }
}

fn result(id: &str, outcome: Outcome) -> Body {
    Body::ActionResponse { call: CallId::new(id), function: "look".to_owned(), outcome }
}

fn calls(ids: &[&str]) -> Body {
    Body::ActionRequest { parts: Vec::new(), calls: ids.iter().map(|id| call(id, "{}")).collect() }
}

#[test]
fn turns_of_the_user_and_of_the_model_take_turns() {
    let bodies = [
        Body::instruction("q"),
        Body::response("a"),
        Body::instruction("r"),
        Body::response("b"),
        Body::instruction("s"),
    ];
    let contents = json!([user("q"), model("a"), user("r"), model("b"), user("s")]);
    check_for(NEW, &bodies, &contents, &[]);
}

#[test]
fn neighbours_of_one_side_are_one_turn() {
    let bodies = [
        Body::instruction("q"),
        Body::instruction("r"),
        Body::response("a"),
        Body::response("b"),
        Body::instruction("s"),
    ];
    let contents = json!([
        { "role": "user", "parts": [{ "text": "q" }, { "text": "r" }] },
        { "role": "model", "parts": [{ "text": "a" }, { "text": "b" }] },
        user("s"),
    ]);
    check_for(NEW, &bodies, &contents, &["turns_joined 2"]);
    // What is left out leaves no gap.
    let silent = [Body::instruction("q"), Body::response(""), Body::instruction("r")];
    let contents = json!([{ "role": "user", "parts": [{ "text": "q" }, { "text": "r" }] }]);
    check_for(NEW, &silent, &contents, &["empty_answer_left_out 1", "turns_joined 1"]);
}

#[test]
fn a_request_begins_and_ends_with_the_user() {
    let contents = json!([user("."), model("a"), user("q")]);
    let answer_first = [Body::response("a"), Body::instruction("q")];
    check_for(NEW, &answer_first, &contents, &["first_message_asked 1"]);
    let answer_last = [Body::instruction("q"), Body::response("a")];
    let contents = json!([user("q"), model("a"), user(".")]);
    check_for(NEW, &answer_last, &contents, &["asked_to_go_on 1"]);
    let contents = json!([user("."), model("a"), user(".")]);
    check_for(
        NEW,
        &[Body::response("a")],
        &contents,
        &["asked_to_go_on 1", "first_message_asked 1"],
    );
    for empty in [&[][..], &[system("s")], &[Body::response("")]] {
        let request = ask(NEW, empty.to_vec());
        let body = sent(&request).expect("a good request");
        assert_eq!(body["contents"], json!([user(".")]), "{empty:?}");
    }
}

#[test]
fn system_text_is_before_all_turns_and_late_text_is_what_the_user_says() {
    let request = ask(NEW, vec![system("a"), system(""), system("b"), Body::instruction("q")]);
    let body = sent(&request).expect("a good request");
    assert_eq!(body["systemInstruction"], json!({ "parts": [{ "text": "a" }, { "text": "b" }] }));
    assert_eq!(body["contents"], json!([user("q")]));
    let late = [Body::instruction("q"), Body::response("a"), system("s")];
    let contents = json!([user("q"), model("a"), user("s")]);
    check_for(NEW, &late, &contents, &["system_as_user 1"]);
}

#[test]
fn an_instruction_is_one_text_with_its_context_and_never_nothing() {
    let parts = vec![Part::text("a"), Part::text(""), Part::Data(json!({ "k": 1 }))];
    let bodies = [asked(parts, Some(json!("soon")))];
    check_for(NEW, &bodies, &json!([user("a\n{\"k\":1}\n\nContext:\nsoon")]), &[]);
    for silent in [vec![], vec![Part::text("")]] {
        check_for(NEW, &[asked(silent, None)], &json!([user(".")]), &["blank_put_in 1"]);
    }
}

#[test]
fn results_answer_the_calls_in_a_turn_of_their_own() {
    let outcomes = [
        (Outcome::Succeeded(json!("18 C")), json!({ "output": "18 C" })),
        (Outcome::Succeeded(json!({ "t": 18 })), json!({ "output": { "t": 18 } })),
        (Outcome::Succeeded(Value::Null), json!({ "output": null })),
        (Outcome::Failed("no sun".to_owned()), json!({ "error": "failed: no sun" })),
    ];
    let ids = ["a", "b", "c", "d"];
    let (outcomes, responses): (Vec<_>, Vec<_>) = outcomes.into_iter().unzip();
    let results = ids.into_iter().zip(outcomes).map(|(id, outcome)| result(id, outcome));
    let mut bodies = vec![Body::instruction("q"), calls(&ids)];
    bodies.extend(results);
    bodies.push(Body::instruction("r"));
    let parts = |is_new: bool| {
        let part = |(id, response): (&str, &Value)| {
            let mut result = json!({ "name": "look", "response": response });
            if is_new {
                result["id"] = json!(id);
            }
            json!({ "functionResponse": result })
        };
        ids.into_iter().zip(&responses).map(part).collect::<Vec<_>>()
    };
    for model in [NEW, OLD] {
        let request = ask(model, bodies.clone());
        let body = sent(&request).expect("a good request");
        let turn = json!({ "role": "user", "parts": parts(model == NEW) });
        assert_eq!(body["contents"][2], turn, "{model}");
        // Text in the same turn makes Gemini 3 answer nothing.
        assert_eq!(body["contents"][3], user("r"));
        assert_eq!(body["contents"][1]["parts"].as_array().map(Vec::len), Some(4));
    }
}

#[test]
fn an_output_that_is_too_long_is_cut_as_text() {
    let long = json!(["x".repeat(300_000)]);
    let bodies = vec![Body::instruction("q"), calls(&["a"]), result("a", Outcome::Succeeded(long))];
    let body = sent(&ask(NEW, bodies)).expect("a good request");
    let output = &body["contents"][2]["parts"][0]["functionResponse"]["response"]["output"];
    let output = output.as_str().expect("it is text");
    assert!(output.starts_with("[\"xxx") && output.contains("more bytes are in the history]"));
}
