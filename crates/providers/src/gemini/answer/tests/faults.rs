//! Ends and errors; made by hand.

use branchwork_core::provider::{Finish, ProviderError, ProviderEvent};

use super::{check, decode, decoder, show, stream};
use crate::{framing::Framing, testing};

#[test]
fn ends_are_told_by_what_they_mean() {
    for (reason, expected) in [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("FUNCTION_CALL", "tool_calls"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("TOO_MANY_TOOL_CALLS", "TOO_MANY_TOOL_CALLS"),
        ("OTHER", "OTHER"),
    ] {
        check(&stream(&[r#"{"text":"a"}"#], reason), &format!("text a\nfinished {expected}"));
    }
}

#[test]
fn ends_that_are_no_answer_are_errors_with_what_to_do() {
    let check = |reason: &str, expected: &str| {
        let stream = stream(&[r#"{"text":"a"}"#], reason);
        let stream = stream.replace("\"finishReason\"", "\"finishMessage\":\"m\",\"finishReason\"");
        let error = decode([stream.as_bytes()]).1.expect_err("it is no answer");
        assert_eq!(format!("{:?} {}", error.remedy(), error.detail()), expected);
    };
    for garbled in ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"] {
        check(garbled, &format!("Retry(None) the answer ended with {garbled}: m"));
    }
    let unsigned = "MISSING_THOUGHT_SIGNATURE";
    check(unsigned, &format!("FixInput the answer ended with {unsigned}: m"));
}

#[test]
fn a_prompt_that_was_blocked_is_refused_in_a_stream_and_as_a_whole() {
    for (feedback, expected) in [
        (r#"{"blockReason":"SAFETY"}"#, "the prompt was blocked (SAFETY)"),
        (
            r#"{"blockReason":"OTHER","blockReasonMessage":"why"}"#,
            "the prompt was blocked (OTHER): why",
        ),
    ] {
        let body =
            format!(r#"{{"promptFeedback":{feedback},"usageMetadata":{{"promptTokenCount":4}}}}"#);
        let (_, streamed) = decode([format!("data: {body}\n\n").as_bytes()]);
        let (_, whole) = testing::decode_whole(decoder(), body.as_bytes());
        for ended in [streamed, whole] {
            assert!(matches!(&ended, Err(ProviderError::InvalidRequest { .. })), "{ended:?}");
            assert_eq!(ended.expect_err("it is refused").detail(), expected);
        }
    }
    check(
        r#"data: {"promptFeedback":{"safetyRatings":[]},"candidates":[{"finishReason":"STOP"}]}"#,
        "finished stop",
    );
}

#[test]
fn errors_inside_a_stream_end_it_with_what_to_do_about_them() {
    let check = |event: &str, expected: &str| {
        let head = r#"data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#;
        let (events, ended) = decode([format!("{head}\n\n{event}\n\n").as_bytes()]);
        assert_eq!(show(&events), "started None None\ntext a", "{event}");
        let error = ended.expect_err("the server failed");
        assert_eq!(format!("{:?} {}", error.remedy(), error.detail()), expected, "{event}");
        assert!(!format!("{error:?}{error}").contains("sk-secret"));
    };
    check(
        r#"data: {"error":{"code":503,"message":"overloaded sk-secret","status":"UNAVAILABLE"}}"#,
        "Retry(None) overloaded ***",
    );
    check(
        r#"data: {"error":{"code":429,"message":"slow","details":[{"retryDelay":"2s"}]}}"#,
        "Retry(Some(2s)) slow",
    );
    check(r#"data: {"error":{"message":"odd","status":"INVALID_ARGUMENT"}}"#, "FixInput odd");
    check("event: error\ndata: boom", "Retry(None) boom");
    check("data: {\n\n", "Retry(None) EOF while parsing an object at line 1 column 1: {");
}

#[test]
fn an_error_that_is_none_ends_nothing() {
    for none in ["null", "\"\"", "{}", "false"] {
        let event = format!("data: {{\"error\":{none},\"usageMetadata\":null}}\n\n");
        check(&(event + &stream(&[r#"{"text":"a"}"#], "STOP")), "text a\nfinished stop");
    }
}

#[test]
fn all_that_is_kept_of_an_answer_is_bounded() {
    let candidates: [fn(usize, &str) -> String; 5] = [
        |_, long| format!(r#""content":{{"parts":[{{"text":"{long}"}}]}}"#),
        |_, long| format!(r#""content":{{"parts":[{{"text":"","thoughtSignature":"{long}"}}]}}"#),
        |_, long| {
            let call = r#""functionCall":{"name":"f"}"#;
            format!(r#""content":{{"parts":[{{{call},"thoughtSignature":"{long}"}}]}}"#)
        },
        |number, long| format!(r#""groundingMetadata":{{"n":{number},"q":"{long}"}}"#),
        |_, long| format!(r#""logprobsResult":{{"l":"{long}"}}"#),
    ];
    for candidate in candidates {
        let frame = |number, long: &str| {
            format!("data: {{\"candidates\":[{{{}}}]}}\n\n", candidate(number, long))
        };
        testing::is_bounded(decoder(), Framing::Events, frame);
    }
}

#[test]
fn calls_that_nobody_could_run_are_malformed() {
    let nameless = stream(&[r#"{"functionCall":{"args":{}}}"#], "STOP");
    let many = vec![r#"{"functionCall":{"name":"f"}}"#; 200];
    for stream in [nameless, stream(&many, "STOP")] {
        let (_, ended) = decode([stream.as_bytes()]);
        assert!(matches!(ended, Err(ProviderError::Malformed { .. })), "{ended:?}");
    }
}

#[test]
fn whole_answers_come_alone_or_in_a_list_and_what_is_none_is_malformed() {
    let one = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#;
    let last = r#"{"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}"#;
    let (events, ended) = testing::decode_whole(decoder(), format!("[{one},\n{last}]").as_bytes());
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(show(&events), "started None None\ntext a|b\nfinished stop");
    let (events, ended) = testing::decode_whole(decoder(), one.as_bytes());
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(events.last(), Some(&ProviderEvent::Finished(Finish::Other(String::new()))));
    for body in ["", "{}", "[]", "\"text\"", "<html>", r#"{"candidates":null}"#] {
        let (_, decoded) = testing::decode_whole(decoder(), body.as_bytes());
        assert!(matches!(decoded, Err(ProviderError::Malformed { .. })), "{body}: {decoded:?}");
    }
    let error = r#"[{"error":{"code":400,"message":"odd","status":"INVALID_ARGUMENT"}}]"#;
    let (_, decoded) = testing::decode_whole(decoder(), error.as_bytes());
    assert!(matches!(decoded, Err(ProviderError::InvalidRequest { .. })), "{decoded:?}");
}

#[test]
fn what_gateways_add_is_read_over() {
    let stream = stream(&[r#"{"text":"a"}"#], "STOP").replace("\r\n", "\n");
    let odd = format!(": ping\n\n{stream}data: [DONE]\n\ndata: junk\n\n");
    check(&odd, "text a\nfinished stop");
    let usage = r#"data: {"usageMetadata":{"promptTokenCount":"7","toolUsePromptTokenCount":2,"cachedContentTokenCount":5}}"#;
    check(
        &format!("{usage}\n\n{stream}"),
        "usage 9 - 5 -\nstarted None None\ntext a\nfinished stop",
    );
}
