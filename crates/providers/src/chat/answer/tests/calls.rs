//! Tool calls, and what servers leave out of them or repeat.

use std::collections::BTreeSet;

use branchwork_core::provider::{ProviderError, ProviderEvent};
use proptest::prelude::*;
use serde_json::{Map, json};

use super::{check_deltas, decode, stream};

#[test]
fn calls_are_told_apart_whatever_servers_leave_out() {
    let two = concat!(
        "call 0 a look\narguments 0 {\"n\":1}\n",
        "call 1 b look\narguments 1 {\"n\":2}\nfinished tool_calls",
    );
    let call = |rest: &str, n: u32| {
        format!(
            r#"{{"tool_calls":[{{{rest}"function":{{"name":"look","arguments":"{{\"n\":{n}}}"}}}}]}}"#
        )
    };
    // Whole calls without an index; all with the index 0; both in one delta.
    check_deltas(&[&call(r#""id":"a","#, 1), &call(r#""id":"b","#, 2)], two);
    check_deltas(&[&call(r#""index":0,"id":"a","#, 1), &call(r#""index":0,"id":"b","#, 2)], two);
    let both = concat!(
        r#"{"tool_calls":[{"id":"a","function":{"name":"look","arguments":"{\"n\":1}"}},"#,
        r#"{"id":"b","function":{"name":"look","arguments":{"n":2}}}]}"#,
    );
    check_deltas(&[both], two);
    // Without identifiers they are made from the length of the conversation and the place.
    let made = two.replace(" a ", " call_3_0 ").replace(" b ", " call_3_1 ");
    check_deltas(&[&call("", 1), &call("", 2)], &made);
    check_deltas(&[&call(r#""index":0,"#, 1), &call(r#""index":0,"#, 2)], &made);
    check_deltas(&[&call(r#""index":1,"id":"","#, 1), &call(r#""index":2,"id":null,"#, 2)], &made);
}

#[test]
fn what_comes_beside_a_call_is_kept_with_it() {
    let signed = r#""extra_content":{"google":{"thought_signature":"c2ln"}}"#;
    let kept = |id: &str| {
        let extra = r#"{"google":{"thought_signature":"c2ln"}}"#;
        format!("native {{\"fields\":{{\"extra_content\":{extra}}},\"tool_call\":\"{id}\"}}")
    };
    for (id, known_by) in [(r#""id":"a","#, "a"), ("", "call_3_0")] {
        let whole = format!(
            r#"{{"tool_calls":[{{{id}{signed},"function":{{"name":"look","arguments":"{{}}"}}}}]}}"#
        );
        let called = format!("call 0 {known_by} look\narguments 0 {{}}");
        check_deltas(&[&whole], &format!("{called}\n{}\nfinished tool_calls", kept(known_by)));
        let pieces = [
            format!(r#"{{"tool_calls":[{{"index":0,{id}{signed}}}]}}"#),
            r#"{"tool_calls":[{"index":0,"function":{"name":"look","arguments":"{}"}}]}"#
                .to_owned(),
        ];
        let expected = format!("{called}\n{}\nfinished tool_calls", kept(known_by));
        check_deltas(&[&pieces[0], &pieces[1]], &expected);
    }
}

#[test]
fn calls_in_pieces_that_carry_nothing_but_the_name_are_told_apart() {
    let piece = |text: &str| {
        let call = json!({ "function": { "name": "f", "arguments": text } });
        json!({ "tool_calls": [call] }).to_string()
    };
    let pieces = [piece("{\"a\":"), piece("1}"), piece("{}")];
    let expected = "call 0 call_3_0 f\narguments 0 {\"a\":\narguments 0 1}\n\
        call 1 call_3_1 f\narguments 1 {}\nfinished tool_calls";
    check_deltas(&[&pieces[0], &pieces[1], &pieces[2]], expected);
}

#[test]
fn pieces_of_a_call_stay_together_whatever_servers_repeat() {
    let one = "call 0 a look\narguments 0 {\"n\n arguments 0 \":1}\nfinished tool_calls"
        .replace("\n a", "\na");
    let pieces = |first: &str, second: &str| {
        let piece = |head: &str, text: &str| {
            format!(r#"{{"tool_calls":[{{{head}"arguments":"{text}"}}}}]}}"#)
        };
        check_deltas(&[&piece(first, "{\\\"n"), &piece(second, "\\\":1}")], &one);
    };
    let full = r#""index":0,"id":"a","function":{"name":"look","#;
    pieces(full, r#""index":0,"function":{"#);
    pieces(full, full);
    pieces(full, r#""index":0,"id":"","function":{"name":"","#);
    pieces(full, r#""index":0,"id":null,"function":{"name":null,"#);
    // No index at all, and an identifier that changes with every piece.
    pieces(r#""id":"a","function":{"name":"look","#, r#""function":{"#);
    pieces(r#""id":"a","function":{"name":"look","#, r#""id":"z","function":{"#);
    // The name comes after the first arguments.
    let late = [
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{"}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"name":"look","arguments":"}"}}]}"#,
    ];
    check_deltas(&late, "call 0 a look\narguments 0 {}\nfinished tool_calls");
}

#[test]
fn calls_without_arguments_or_function_are_no_trouble() {
    for arguments in ["", r#","arguments":"""#, r#","arguments":null"#] {
        let delta =
            format!(r#"{{"tool_calls":[{{"id":"a","function":{{"name":"look"{arguments}}}}}]}}"#);
        check_deltas(&[&delta, r#"{"tool_calls":null}"#], "call 0 a look\nfinished tool_calls");
    }
    let (_, ended) = decode([stream(&[r#"{"tool_calls":[{"id":"a"}]}"#], "\"stop\"").as_bytes()]);
    assert!(matches!(ended, Err(ProviderError::Malformed { .. })), "{ended:?}");
    let many: Vec<_> = (0..200)
        .map(|n| format!(r#"{{"tool_calls":[{{"index":{n},"function":{{"name":"f"}}}}]}}"#))
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let (_, ended) = decode([stream(&many, "\"stop\"").as_bytes()]);
    assert!(matches!(ended, Err(ProviderError::Malformed { .. })), "{ended:?}");
}

/// One piece of a call, in which anything may be missing.
fn any_piece() -> impl Strategy<Value = String> {
    let index = prop::option::of(0_u32..3);
    let id = prop::option::of("[ab]?");
    let name = prop::option::of("[fg]?");
    let arguments = prop::option::of("(\\{\\}|x)?");
    (index, id, name, arguments).prop_map(|(index, id, name, arguments)| {
        let mut function = Map::new();
        function.extend(name.map(|name| ("name".to_owned(), json!(name))));
        function.extend(arguments.map(|text| ("arguments".to_owned(), json!(text))));
        let mut call = Map::new();
        call.extend(index.map(|index| ("index".to_owned(), json!(index))));
        call.extend(id.map(|id| ("id".to_owned(), json!(id))));
        call.insert("function".to_owned(), json!(function));
        json!({ "tool_calls": [call] }).to_string()
    })
}

proptest! {
    #[test]
    fn arguments_follow_the_start_of_their_call_whatever_comes(
        pieces in prop::collection::vec(any_piece(), 0..8),
    ) {
        let pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
        let (events, _) = decode([stream(&pieces, "\"stop\"").as_bytes()]);
        let mut started = BTreeSet::new();
        for event in events {
            match event {
                ProviderEvent::CallStarted { index, id, function } => {
                    prop_assert!(!id.is_empty() && !function.is_empty());
                    prop_assert!(started.insert(index), "{index} twice");
                }
                ProviderEvent::CallArguments { index, .. } => {
                    prop_assert!(started.contains(&index), "{index} unstarted");
                }
                _ => {}
            }
        }
    }
}
