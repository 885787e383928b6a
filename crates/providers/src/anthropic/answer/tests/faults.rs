//! Ends and errors, and what servers get wrong about them; made by hand.

use branchwork_core::provider::{Finish, ProviderError, ProviderEvent};

use super::{check, decode, decoder, show, start, stream};
use crate::testing;

#[test]
fn ends_are_told_in_our_words() {
    for (reason, expected) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
        ("new", "new"),
    ] {
        let end = stream(&[]).replace("end_turn", reason);
        let (events, ended) = decode([end.as_bytes()]);
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(show(&events), format!("started None None\nfinished {expected}"));
    }
    let unsaid = stream(&[]).replace("\"end_turn\"", "null");
    let (events, _) = decode([unsaid.as_bytes()]);
    assert_eq!(events.last(), Some(&ProviderEvent::Finished(Finish::Other(String::new()))));
    // Some servers say nothing of a call.
    let call = start(0, r#"{"type":"tool_use","id":"a","name":"look","input":{}}"#);
    check(&[&call], "call 0 a look\nfinished tool_calls");
    // The reason is enough: the end mark may be missing.
    let unmarked = stream(&[]).replace(r#"data: {"type":"message_stop"}"#, "");
    assert!(decode([unmarked.as_bytes()]).1.is_ok());
}

#[test]
fn events_of_no_known_kind_fail_nothing_whatever_they_hold() {
    check(
        &[
            r#"{"type":"ping"}"#,
            r#"{"type":"future","delta":"text","usage":[1],"message":7,"content_block":0}"#,
            r#"{"type":"content_block_future","index":"x"}"#,
            r#"{"type":"content_block_delta","index":0}"#,
            r#"{"type":"message_delta","delta":null,"usage":{"output_tokens":2,"new":{}}}"#,
            "{}",
        ],
        "finished stop",
    );
}

#[test]
fn an_error_that_is_none_ends_nothing() {
    for none in ["null", "\"\"", "{}", "false"] {
        let start = start(0, r#"{"type":"text","text":"a"}"#);
        let with = start.replace("\"index\"", &format!("\"error\":{none},\"index\""));
        check(&[&with], "text a\nfinished stop");
        let whole = format!(r#"{{"error":{none},"content":[],"stop_reason":"end_turn"}}"#);
        let (_, ended) = testing::decode_whole(decoder(), whole.as_bytes());
        assert!(ended.is_ok(), "{none}: {ended:?}");
    }
    // One that says no more than that it is one is still one.
    for error in [r#"{"type":"error"}"#, r#"{"type":"error","error":{}}"#] {
        let (_, ended) = decode([stream(&[error]).as_bytes()]);
        assert!(matches!(ended, Err(ProviderError::Unavailable { .. })), "{error}: {ended:?}");
    }
    let flat = r#"{"type":"error","message":"boom"}"#;
    let (_, ended) = testing::decode_whole(decoder(), flat.as_bytes());
    assert_eq!(ended.expect_err("the server failed").detail(), "boom");
}

#[test]
fn errors_inside_a_stream_end_it_with_what_to_do_about_them() {
    let check = |event: &str, expected: &str| {
        let text = start(0, r#"{"type":"text","text":"a"}"#);
        let stream = format!("data: {text}\n\n{event}\n\n");
        let (events, ended) = decode([stream.as_bytes()]);
        assert_eq!(show(&events), "text a", "{event}");
        let error = ended.expect_err("the server failed");
        assert_eq!(format!("{:?} {}", error.remedy(), error.detail()), expected, "{event}");
        assert!(!format!("{error:?}{error}").contains("sk-secret"));
    };
    let error = |kind: &str, message: &str| {
        format!(
            "event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\
             \"message\":\"{message}\"}},\"request_id\":\"req_1\"}}"
        )
    };
    check(&error("overloaded_error", "Overloaded sk-secret"), "Retry(None) Overloaded ***");
    check(&error("api_error", "Internal"), "Retry(None) Internal");
    check(&error("rate_limit_error", "slow down"), "Retry(None) slow down");
    check(&error("invalid_request_error", "bad"), "FixInput bad");
    check(
        &error("invalid_request_error", "prompt is too long: 2 > 1"),
        "Shorten prompt is too long: 2 > 1",
    );
    check(&error("request_too_large", "large"), "Shorten large");
    check(&error("authentication_error", "who"), "Authenticate who");
    // Without the name of the event, and without the kind.
    check(r#"data: {"type":"error","error":{"message":"boom"}}"#, "Retry(None) boom");
    check(r#"data: {"error":"boom"}"#, "Retry(None) boom");
    check("data: {", "Retry(None) EOF while parsing an object at line 1 column 1: {");
}

#[test]
fn what_is_no_answer_is_malformed() {
    let nameless = start(0, r#"{"type":"tool_use","id":"a","name":"","input":{}}"#);
    let many: Vec<_> = (0..200)
        .map(|index| start(index, r#"{"type":"tool_use","id":"a","name":"f","input":{}}"#))
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for lines in [vec![nameless.as_str()], many] {
        let (_, ended) = decode([stream(&lines).as_bytes()]);
        assert!(matches!(ended, Err(ProviderError::Malformed { .. })), "{ended:?}");
    }
    for body in ["", "{}", "[]", "\"text\"", "<html>", r#"{"content":null}"#] {
        let (_, ended) = testing::decode_whole(decoder(), body.as_bytes());
        assert!(matches!(ended, Err(ProviderError::Malformed { .. })), "{body}: {ended:?}");
    }
    let failed = r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
    let (_, ended) = testing::decode_whole(decoder(), failed.as_bytes());
    assert!(matches!(ended, Err(ProviderError::Unavailable { status: Some(529), .. })));
}

#[test]
fn a_stream_that_only_began_is_cut() {
    for lines in ["", "data: {\"type\":\"message_start\",\"message\":{}}\n\n", "event: ping\n"] {
        let (_, ended) = decode([lines.as_bytes()]);
        assert!(matches!(ended, Err(ProviderError::Truncated { .. })), "{lines}: {ended:?}");
    }
}

#[test]
fn a_character_cut_in_two_by_the_server_costs_only_itself() {
    let text = start(0, r#"{"type":"text","text":"a?b"}"#);
    let mut bytes = stream(&[&text]).into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'?').expect("it is there");
    bytes[at] = 0xc3;
    let (events, ended) = decode([&bytes[..]]);
    assert!(ended.is_ok(), "{ended:?}");
    assert!(show(&events).contains("text a\u{fffd}b"), "{events:?}");
}
