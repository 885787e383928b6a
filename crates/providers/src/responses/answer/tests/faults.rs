//! Ends and errors, and what is no answer; made by hand.

use branchwork_core::provider::{ProviderError, ProviderEvent};
use serde_json::{Value, json};

use super::{check_all, decode, decode_whole, decoder, done, message, show, stream, text};
use crate::{framing::Framing, testing};

fn ended(kind: &str, status: Option<&str>, details: &Value) -> Value {
    let response = json!({ "status": status, "incomplete_details": details });
    json!({ "type": format!("response.{kind}"), "response": response })
}

#[test]
fn all_that_is_kept_of_an_answer_is_bounded() {
    let events: [fn(usize, &str) -> Value; 5] = [
        |_, long| text(0, long),
        |_, long| {
            let mut piece = text(0, "a");
            piece["logprobs"] = json!([{ "token": long }]);
            piece
        },
        |number, long| {
            let part = json!({ "text": "a", "logprobs": [{ "token": long }] });
            let id = number.to_string();
            done_at(number, &json!({ "type": "message", "id": id, "content": [part] }))
        },
        |number, long| {
            let part = json!({ "text": "a", "annotations": [{ "url": long }] });
            let id = number.to_string();
            done_at(number, &json!({ "type": "message", "id": id, "content": [part] }))
        },
        |number, long| {
            let id = format!("{number}{long}");
            done_at(number, &json!({ "type": "message", "id": id, "content": [] }))
        },
    ];
    for event in events {
        let frame = |number, long: &str| format!("data: {}\n\n", event(number, long));
        testing::is_bounded(decoder(), Framing::Events, frame);
    }
}

/// An item that is done, at that place.
fn done_at(place: usize, item: &Value) -> Value {
    json!({ "type": "response.output_item.done", "output_index": place, "item": item })
}

#[test]
fn ends_are_read_by_their_reason() {
    let reason = |reason: &str| json!({ "reason": reason });
    for (end, expected) in [
        (ended("completed", Some("completed"), &Value::Null), "stop"),
        (ended("completed", None, &Value::Null), "stop"),
        (ended("incomplete", Some("incomplete"), &reason("max_output_tokens")), "length"),
        (ended("incomplete", None, &reason("content_filter")), "content_filter"),
        (ended("completed", Some("incomplete"), &reason("max_output_tokens")), "length"),
        (ended("incomplete", Some("incomplete"), &reason("max_messages")), "max_messages"),
        (ended("incomplete", Some("incomplete"), &Value::Null), "incomplete"),
    ] {
        check_all(&[text(0, "a"), end], &format!("text a\nfinished {expected}"));
    }
}

#[test]
fn a_cut_call_keeps_the_reason_of_the_cut() {
    let call =
        json!({ "type": "function_call", "call_id": "c1", "name": "look", "arguments": "{\"n" });
    let end = ended("incomplete", None, &json!({ "reason": "max_output_tokens" }));
    check_all(&[done(0, &call), end], "call 0 c1 look\narguments 0 {\"n\nfinished length");
}

#[test]
fn odd_but_readable_streams_are_read() {
    let one = "started None None\ntext a\nfinished stop";
    let body = stream(&[text(0, "a"), ended("completed", None, &Value::Null)]);
    let unnamed = body.lines().filter(|line| !line.starts_with("event: "));
    let unnamed = unnamed.flat_map(|line| [line, "\n"]).collect::<String>();
    for stream in [
        body.replace('\n', "\r\n"),
        unnamed.clone(),
        format!("{unnamed}data: [DONE]\n\ndata: junk\n\n"),
        format!(": ping\n\ndata: {{\"type\":\"keepalive\"}}\n\n{unnamed}"),
        format!("data: {{\"type\":\"response.hologram.delta\",\"delta\":{{}}}}\n\n{unnamed}"),
        unnamed.trim_end().to_owned(),
    ] {
        let (events, ended) = decode([stream.as_bytes()]);
        assert!(ended.is_ok(), "{stream}: {ended:?}");
        assert_eq!(show(&events), one, "{stream}");
    }
}

#[test]
fn errors_inside_a_stream_end_it_with_what_to_do_about_them() {
    let check = |event: &str, expected: &str| {
        let head = stream(&[text(0, "a")]);
        let (events, ended) = decode([format!("{head}{event}\n\n").as_bytes()]);
        assert_eq!(show(&events), "started None None\ntext a", "{event}");
        let error = ended.expect_err("the server failed");
        assert_eq!(format!("{:?} {}", error.remedy(), error.detail()), expected, "{event}");
        assert!(!format!("{error:?}{error}").contains("sk-secret"));
    };
    let failed = |error: Value| {
        let response = json!({ "status": "failed", "error": error });
        format!("data: {}", json!({ "type": "response.failed", "response": response }))
    };
    let retry = |detail: &str| format!("Retry(None) {detail}");
    check(
        &failed(json!({ "code": "server_error", "message": "boom sk-secret" })),
        &retry("boom ***"),
    );
    check(
        &failed(json!({ "code": "rate_limit_exceeded", "message": "slow down" })),
        &retry("slow down"),
    );
    check(&failed(json!({ "code": "invalid_prompt", "message": "flagged" })), "FixInput flagged");
    check(&failed(json!({ "code": "insufficient_quota", "message": "pay" })), "Authenticate pay");
    check(&failed(json!({ "code": "image_too_large", "message": "big" })), "FixInput big");
    check(&failed(json!({ "code": "context_length_exceeded", "message": "x" })), "Shorten x");
    check(&failed(Value::Null), &retry("the server ended the answer with an error"));
    check(
        r#"data: {"type":"error","code":"server_error","message":"boom","param":null}"#,
        &retry("boom"),
    );
    check(
        r#"data: {"type":"error","error":{"type":"server_error","code":null,"message":"boom"}}"#,
        &retry("boom"),
    );
    check("event: error\ndata: {\"type\":\"error\",\"message\":\"boom\"}", &retry("boom"));
    check(r#"data: {"error":{"message":"boom","code":502}}"#, &retry("boom"));
    check(
        r#"data: {"type":"response.completed","response":{"status":"in_progress"}}"#,
        &retry("the answer ends as `in_progress`"),
    );
    let cut = "Retry(None) EOF while parsing an object at line 1 column 1: {";
    check("data: {\n\ndata: {\"type\":\"response.completed\"}", cut);
}

#[test]
fn a_stream_without_its_end_is_cut() {
    for events in [vec![], vec![text(0, "a")], vec![done(0, &message("a"))]] {
        let stream = stream(&events) + "data: [DONE]\n\n";
        let (_, ended) = decode([stream.as_bytes()]);
        assert!(matches!(ended, Err(ProviderError::Truncated { .. })), "{stream}: {ended:?}");
    }
}

#[test]
fn whole_answers_that_are_none_are_told_from_errors() {
    for body in [
        "",
        "{}",
        "[]",
        "\"text\"",
        "<html>",
        r#"{"output":null}"#,
        r#"{"output":[],"status":"queued"}"#,
    ] {
        let (events, decoded) = decode_whole(body.as_bytes());
        assert!(matches!(decoded, Err(ProviderError::Malformed { .. })), "{body}: {decoded:?}");
        assert!(!events.iter().any(|event| matches!(event, ProviderEvent::Finished(_))));
    }
    for body in [
        r#"{"error":{"code":"invalid_prompt","message":"no"},"output":[]}"#,
        r#"{"error":{"type":"invalid_request_error","message":"no"}}"#,
        r#"{"object":"error","message":"no","code":400}"#,
    ] {
        let (_, decoded) = decode_whole(body.as_bytes());
        assert!(
            matches!(decoded, Err(ProviderError::InvalidRequest { .. })),
            "{body}: {decoded:?}"
        );
    }
    let (_, failed) = decode_whole(br#"{"status":"failed","error":null,"output":[]}"#);
    assert!(matches!(failed, Err(ProviderError::Unavailable { .. })), "{failed:?}");
}

#[test]
fn calls_without_a_name_and_too_many_of_anything_are_refused() {
    let unnamed = json!({ "type": "function_call", "call_id": "c1", "arguments": "{}" });
    let named = json!({ "type": "function_call", "call_id": "c1", "name": "f" });
    let many = |item: &Value, count: u32| (0..count).map(|n| done(n, item)).collect();
    let lists: [Vec<_>; 3] =
        [vec![done(0, &unnamed)], many(&named, 200), many(&json!({ "type": "hologram" }), 5000)];
    for mut events in lists {
        events.push(ended("completed", None, &Value::Null));
        let (_, ended) = decode([stream(&events).as_bytes()]);
        assert!(matches!(ended, Err(ProviderError::Malformed { .. })), "{ended:?}");
    }
}
