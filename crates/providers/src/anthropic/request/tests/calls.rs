//! Calls of the program's tools, and their results.

use branchwork_core::message::{Body, CallId, Outcome, Part, ToolCall};
use serde_json::json;

use super::{assistant, call, check, offered, render, request, response, said, user};

/// A call of `function`.
fn call_of(function: &str, id: &str, arguments: &str) -> ToolCall {
    let mut call = call(id, arguments);
    function.clone_into(&mut call.function);
    call
}

fn result_of(id: &str) -> Body {
    let outcome = Outcome::Succeeded(json!("18"));
    Body::ActionResponse { call: CallId::new(id), function: "look".to_owned(), outcome }
}

/// What is asked, calls behind `parts`, and their results.
fn turn(parts: Vec<Part>, calls: Vec<ToolCall>) -> Vec<Body> {
    let results: Vec<_> = calls.iter().map(|call| result_of(call.id.as_str())).collect();
    let asked = [Body::instruction("hi"), Body::ActionRequest { parts, calls }];
    asked.into_iter().chain(results).collect()
}

fn used(id: &str, input: &str) -> String {
    format!(r#"{{"type":"tool_use","id":"{id}","name":"look","input":{input}}}"#)
}

fn told(id: &str) -> String {
    format!(r#"{{"type":"tool_result","tool_use_id":"{id}","content":"18"}}"#)
}

#[test]
fn results_are_in_the_one_message_after_their_calls() {
    let mut bodies = turn(vec![Part::text("a")], vec![call("c1", ""), call("c2", "{\"x\": 1}")]);
    bodies.push(Body::instruction("and?"));
    check(
        bodies,
        "",
        &[
            &user(&said("hi")),
            &assistant(&[said("a"), used("c1", "{}"), used("c2", "{\"x\": 1}")].join(",")),
            &user(&[told("c1"), told("c2"), said("and?")].join(",")),
        ],
    );
}

#[test]
fn calls_stand_where_the_model_made_them_and_no_text_comes_after_them() {
    let hi = user(&said("hi"));
    let calls = || vec![call("c1", ""), call("c2", "")];
    let results = user(&[told("c1"), told("c2")].join(","));
    let placed = vec![Part::Call(1), Part::text("a"), Part::Call(0)];
    let blocks = [used("c2", "{}"), said("a"), used("c1", "{}")].join(",");
    check(turn(placed, calls()), "", &[&hi, &assistant(&blocks), &results]);
    // Places that no call has, or one twice, are none.
    let odd = vec![Part::Call(0), Part::Call(7), Part::Call(0)];
    let blocks = [used("c1", "{}"), used("c2", "{}")].join(",");
    check(turn(odd, calls()), "", &[&hi, &assistant(&blocks), &results]);
    let after = vec![Part::Call(0), Part::text("a"), Part::Call(1), Part::text("b")];
    let blocks = [used("c1", "{}"), said("a"), said("b"), used("c2", "{}")].join(",");
    check(turn(after, calls()), "text_put_before_calls 1", &[&hi, &assistant(&blocks), &results]);
}

#[test]
fn identifiers_have_legal_letters_and_no_two_calls_have_one() {
    let hi = user(&said("hi"));
    let mut bodies = turn(vec![], vec![call("look#1", ""), call("look 1", ""), call("", "")]);
    bodies.extend(turn(vec![], vec![call("look_1", ""), call("c", "")]));
    let first = [used("look_1", "{}"), used("look_1_1", "{}"), used("call", "{}")].join(",");
    let first_told = [told("look_1"), told("look_1_1"), told("call"), said("hi")].join(",");
    let second = [used("look_1_2", "{}"), used("c", "{}")].join(",");
    let second_told = [told("look_1_2"), told("c")].join(",");
    check(
        bodies,
        "call_id_remade 4",
        &[&hi, &assistant(&first), &user(&first_told), &assistant(&second), &user(&second_told)],
    );
}

#[test]
fn names_of_tools_have_legal_letters() {
    let bodies = turn(vec![], vec![call_of("fs.read", "c1", "{}")]);
    let block = r#"{"type":"tool_use","id":"c1","name":"fs_read","input":{}}"#;
    let expected = [user(&said("hi")), assistant(block), user(&told("c1"))];
    check(bodies, "call_name_remade 1", &expected.each_ref().map(String::as_str));
}

#[test]
fn arguments_that_are_no_object_are_wrapped_into_one() {
    for (arguments, input, rules) in [
        ("", "{}", ""),
        (" \n", "{}", ""),
        // As the model wrote them.
        (r#"{"b": 1.0, "a":"\u00e9"}"#, r#"{"b": 1.0, "a":"\u00e9"}"#, ""),
        ("[1]", r#"{"_malformed":"[1]"}"#, "arguments_wrapped 1"),
        ("null", r#"{"_malformed":"null"}"#, "arguments_wrapped 1"),
        (r#"{"a":"#, r#"{"_malformed":"{\"a\":"}"#, "arguments_wrapped 1"),
        // Half of a character.
        (r#"{"a":"\ud83d"}"#, r#"{"_malformed":"{\"a\":\"\\ud83d\"}"}"#, "arguments_wrapped 1"),
    ] {
        let call = used("c1", input);
        let expected = [user(&said("hi")), assistant(&call), user(&told("c1"))];
        let expected = expected.each_ref().map(String::as_str);
        check(turn(vec![], vec![super::call("c1", arguments)]), rules, &expected);
    }
}

#[test]
fn a_conversation_with_calls_has_tools_defined() {
    let declared = concat!(
        r#"],"tools":[{"name":"no_tools","description":"There are no tools any more.","#,
        r#""input_schema":{"type":"object"}}],"tool_choice":{"type":"none"}}"#,
    );
    let bodies = turn(vec![], vec![call("c1", "")]);
    let without = request(bodies.clone());
    let rendered = render(&without).expect("a good request");
    assert!(rendered.ends_with(declared), "{rendered}");
    assert_eq!(super::adapted(&crate::anthropic::Anthropic, &without), ["no_tools_declared 1"]);
    let mut with_server_tools = without;
    let tool = json!([{"type": "web_search_20260209", "name": "web_search"}]);
    with_server_tools.config.extras.insert("tools".to_owned(), tool);
    for request in [offered(bodies), with_server_tools] {
        let rendered = render(&request).expect("a good request");
        assert!(!rendered.contains("no_tools"), "{rendered}");
    }
    let plain = render(&request(vec![response(vec![Part::text("a")])])).expect("good");
    assert!(!plain.contains("no_tools"), "{plain}");
}
