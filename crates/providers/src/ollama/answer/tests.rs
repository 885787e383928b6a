//! What the decoder makes of recorded answers, and of what servers get wrong.

use branchwork_core::{
    message::Body,
    provider::{Finish, ProviderError, ProviderEvent},
    turn::Answer,
};
use serde_json::{Value, json};

use super::Decoder;
use crate::{
    framing::Framing,
    ollama::Ollama,
    testing::{self, asked, at_every_split, fixture, reporter, request, show},
};

/// A decoder of the answer of `tiny` to three messages.
fn decoder() -> Decoder {
    Decoder::new(&request(vec![asked(Vec::new(), None); 3]), reporter())
}

/// What a stream in those chunks becomes.
fn decode<'c>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<ProviderEvent>, Result<(), ProviderError>) {
    testing::decode(decoder(), Framing::Lines, chunks)
}

const DONE: &str = r#"{"done":true,"done_reason":"stop"}"#;

/// Checks the events of a stream of these messages, without their `Started`.
fn check(messages: &[&str], last: &str, expected: &str) {
    let line = |message: &&str| format!("{{\"message\":{message},\"done\":false}}\n");
    let lines: String = messages.iter().map(line).collect();
    let stream = format!("{lines}{last}\n");
    let (events, ended) = decode([stream.as_bytes()]);
    assert!(ended.is_ok(), "{ended:?}");
    let shown = show(&events);
    let shown = shown.strip_prefix("started None None").unwrap_or(&shown).trim();
    assert_eq!(shown, expected.trim(), "{stream}");
}

#[test]
fn a_recorded_stream_becomes_these_events_however_it_is_cut() {
    let recorded = fixture("ollama/text.ndjson");
    let (events, ended) = decode([&recorded[..]]);
    assert!(ended.is_ok(), "{ended:?}");
    let shown = show(&events);
    assert!(shown.starts_with("started Some(\"llama3\") None\ntext Here|"), "{shown}");
    assert!(shown.ends_with("|?)\nusage 17 63 - -\nfinished stop"), "{shown}");
    at_every_split(&recorded, &|chunks| decode(chunks.iter().copied()));
}

#[test]
fn a_recorded_whole_answer_becomes_these_events() {
    let recorded = fixture("ollama/text_uncounted.json");
    let (events, ended) = testing::decode_whole(decoder(), &recorded);
    assert!(ended.is_ok(), "{ended:?}");
    // This server did not count what it had in its cache.
    let shown = show(&events);
    assert!(shown.ends_with("okay, maybe it's just a techie joke)\nusage - 79 - -\nfinished stop"));
}

#[test]
fn a_stream_that_breaks_off_anywhere_is_cut_and_never_whole() {
    let recorded = fixture("ollama/text.ndjson");
    let line = recorded.trim_ascii_end().len();
    for end in 0..line {
        let (events, ended) = decode([&recorded[..end]]);
        assert!(matches!(ended, Err(ProviderError::Truncated { .. })), "{end}: {ended:?}");
        assert!(!events.iter().any(|event| matches!(event, ProviderEvent::Finished(_))));
    }
    assert!(decode([&recorded[..line]]).1.is_ok());
}

#[test]
fn thoughts_text_calls_and_pictures_are_told_apart() {
    let call = concat!(
        r#"{"content":"","tool_calls":[{"id":"call_x","function":{"index":0,"name":"look","#,
        r#""arguments":{"b": 1, "a": "\u00e9"}}},"#,
        r#"{"function":{"name":"go","arguments":"{\"n\":2}"}}]}"#,
    );
    check(
        &[
            r#"{"role":"assistant","content":"","thinking":"h"}"#,
            r#"{"content":"","thinking":"m"}"#,
            r#"{"content":"a","thinking":null}"#,
            call,
            r#"{"content":"","tool_calls":[{"function":{"name":"go","arguments":null}}]}"#,
            r#"{"content":"","images":["AA=="]}"#,
        ],
        DONE,
        r#"
thought h|m
text a
call 0 call_x look
arguments 0 {"b": 1, "a": "\u00e9"}
call 1 call_3_1 go
arguments 1 {"n":2}
call 2 call_3_2 go
native {"images":["AA=="]}
finished tool_calls"#,
    );
}

#[test]
fn ends_and_counts_are_read() {
    let text = r#"{"content":"a"}"#;
    for (last, expected) in [
        (DONE, "finished stop"),
        (r#"{"done":true}"#, "finished stop"),
        (
            r#"{"done":true,"done_reason":"length","eval_count":3}"#,
            "usage - 3 - -\nfinished length",
        ),
        (r#"{"done":true,"done_reason":"unload"}"#, "finished unload"),
        (
            r#"{"message":{"content":""},"logprobs":[{"token":"a"}],"done":true,"prompt_eval_count":7,"eval_count":2}"#,
            "logprobs [{\"token\":\"a\"}]\nusage 7 2 - -\nfinished stop",
        ),
    ] {
        check(&[text], last, &format!("text a\n{expected}"));
    }
    for none in ["null", "\"\"", "{}", "false"] {
        let last = format!(r#"{{"error":{none},"done":true,"done_reason":"stop"}}"#);
        check(&[text], &last, "text a\nfinished stop");
    }
    // Nothing comes after the end.
    check(&[text], &format!("{DONE}\n{{\"error\":\"late\"}}"), "text a\nfinished stop");
}

#[test]
fn errors_inside_a_stream_end_it_with_what_to_do_about_them() {
    let check = |line: &str, expected: &str| {
        let stream = format!("{{\"message\":{{\"content\":\"a\"}},\"done\":false}}\n{line}\n");
        let (events, ended) = decode([stream.as_bytes()]);
        assert_eq!(show(&events), "started None None\ntext a", "{line}");
        let error = ended.expect_err("the server failed");
        assert_eq!(format!("{:?} {}", error.remedy(), error.detail()), expected, "{line}");
    };
    check(r#"{"error":"the runner stopped sk-secret"}"#, "Retry(None) the runner stopped ***");
    check(
        r#"{"error":"the prompt is longer than the context length currently available"}"#,
        "Shorten the prompt is longer than the context length currently available",
    );
    check(
        "{\"message\":",
        "Retry(None) EOF while parsing a value at line 1 column 11: {\"message\":",
    );
    let nameless = r#"{"message":{"tool_calls":[{"function":{"arguments":{}}}]}}"#;
    check(nameless, "Retry(None) a tool call has no name");
}

#[test]
fn all_that_is_kept_of_an_answer_is_bounded() {
    let lines: [fn(&str) -> String; 5] = [
        |long| format!(r#""message":{{"content":"{long}"}}"#),
        |long| format!(r#""message":{{"thinking":"{long}"}}"#),
        |long| format!(r#""message":{{"images":["{long}"]}}"#),
        |long| {
            let function = format!(r#"{{"name":"f","arguments":{{"a":"{long}"}}}}"#);
            format!(r#""message":{{"tool_calls":[{{"function":{function}}}]}}"#)
        },
        |long| format!(r#""logprobs":[{{"token":"{long}"}}]"#),
    ];
    for line in lines {
        let frame = |_, long: &str| format!("{{{}}}\n", line(long));
        testing::is_bounded(decoder(), Framing::Lines, frame);
    }
}

#[test]
fn an_answer_has_only_so_many_calls() {
    let call = r#"{"function":{"name":"f","arguments":{}}}"#;
    let many = vec![call; 200].join(",");
    let stream = format!("{{\"message\":{{\"tool_calls\":[{many}]}}}}\n{DONE}\n");
    let (_, ended) = decode([stream.as_bytes()]);
    assert!(matches!(ended, Err(ProviderError::Malformed { .. })), "{ended:?}");
}

#[test]
fn whole_answers_come_in_one_object_or_in_lines_and_what_is_none_is_malformed() {
    let whole = r#"{"model":"m","message":{"content":"a"},"done":true,"done_reason":"stop"}"#;
    let lines = format!("{{\"model\":\"m\",\"message\":{{\"content\":\"a\"}}}}\n{DONE}\n");
    for body in [whole, &lines] {
        let (events, ended) = testing::decode_whole(decoder(), body.as_bytes());
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(show(&events), "started Some(\"m\") None\ntext a\nfinished stop");
        assert_eq!(events.last(), Some(&ProviderEvent::Finished(Finish::Stop)));
    }
    for body in ["", "{}", "Ollama is running", "[1]"] {
        let (_, decoded) = testing::decode_whole(decoder(), body.as_bytes());
        assert!(matches!(decoded, Err(ProviderError::Malformed { .. })), "{body}: {decoded:?}");
    }
    let unfinished = r#"{"message":{"content":"a"},"done":false}"#;
    let (_, decoded) = testing::decode_whole(decoder(), unfinished.as_bytes());
    assert!(matches!(decoded, Err(ProviderError::Truncated { .. })), "{decoded:?}");
}

#[test]
fn what_was_answered_goes_back_as_it_came() {
    let came = json!({
        "role": "assistant", "content": "a", "thinking": "hm", "images": ["AA=="],
        "tool_calls": [
            { "id": "x", "type": "function",
              "function": { "index": 0, "name": "look", "arguments": { "at": 1 } } },
        ],
    });
    let stream = format!("{}\n{DONE}\n", json!({ "message": came }));
    let (events, _) = decode([stream.as_bytes()]);
    let mut answer = Answer::default();
    for event in events {
        answer.push(event);
    }
    let request = request(vec![Body::instruction("q"), answer.body()]);
    let body = testing::render(&Ollama, &request).expect("a good request");
    let body: Value = serde_json::from_str(&body).expect("it is JSON");
    assert_eq!(body["messages"][1], came);
}
