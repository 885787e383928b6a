//! Recorded answers of real servers.

use branchwork_core::{
    message::Body,
    provider::{ProviderError, ProviderEvent},
    turn::Answer,
};
use serde_json::{Value, json};

use super::{decode, decoder, fixture, show};
use crate::{
    gemini::Gemini,
    testing::{self, at_every_split, request},
};

fn events_of(name: &str) -> Vec<ProviderEvent> {
    let recorded = fixture(name);
    let (events, ended) = if recorded.starts_with(b"data:") {
        decode([&recorded[..]])
    } else {
        testing::decode_whole(decoder(), &recorded)
    };
    assert!(ended.is_ok(), "{ended:?}");
    events
}

fn check_recorded(name: &str, expected: &str) {
    assert_eq!(show(&events_of(name)), expected.trim(), "{name}");
}

#[test]
fn recorded_streams_become_these_events() {
    check_recorded(
        "gemini/signed_text.sse",
        r#"
started Some("gemini-2.5-flash") Some("id_REDACTED_5")
usage 627 63 - 28
text The calculation of ((10 - 4) * (3 + 5)) / 3 yields a final result of 16. This was determined by first subtracting 
usage 627 111 - 28
text 4 from 10 to get 6, then adding 3 and 5 to get 8, multiplying these two results (6 * 8) to get 48, and finally dividing 48 by 3.
native {"texts":[{"bytes":114,"thoughtSignature":"signature_REDACTED_5"},{"bytes":128}]}
finished stop"#,
    );
    check_recorded(
        "gemini/gemini3_call.sse",
        r#"
started Some("gemini-3-flash-preview") Some("id_REDACTED_1")
usage 90 68 - 56
native {"thoughtSignature":"signature_REDACTED_1"}
call 0 eydqag09 render_reference_image
arguments 0 {}
finished tool_calls"#,
    );
    check_recorded(
        "gemini/gemini3_late_signature.sse",
        r#"
started Some("gemini-3-flash-preview") Some("id_REDACTED_2")
usage 131 23 - 14
text The dominant color in the image is red.
usage 1276 23 - 14
native {"texts":[{"bytes":39},{"bytes":0,"thoughtSignature":"signature_REDACTED_2"}]}
finished stop"#,
    );
}

#[test]
fn recorded_whole_answers_become_these_events() {
    check_recorded(
        "gemini/parallel_calls.json",
        r#"
started Some("gemini-2.5-flash") Some("id_REDACTED_1")
usage 193 145 - 108
native {"thoughtSignature":"signature_REDACTED_1"}
call 0 call_3_0 add
arguments 0 {
        "x": 3,
        "y": 4
       }
call 1 call_3_1 subtract
arguments 1 {
        "x": 10,
        "y": 2
       }
finished tool_calls"#,
    );
    check_recorded(
        "gemini/code_execution.json",
        r#"
started Some("gemini-2.5-flash") Some("response-code-1")
usage 8 10 - -
native {"executableCode":{"code":"print(1)","id":"code-1","language":"PYTHON"}}
native {"codeExecutionResult":{"id":"code-1","outcome":"OUTCOME_OK","output":"1"}}
text The result is 1.
finished stop"#,
    );
}

const STREAMS: [&str; 5] = [
    "gemini/gemini3_call.sse",
    "gemini/gemini3_late_signature.sse",
    "gemini/signed_text.sse",
    "gemini/thoughts_call.sse",
    "gemini/thoughts_text.sse",
];

#[test]
fn recorded_streams_give_the_same_events_however_they_are_cut() {
    for name in STREAMS {
        at_every_split(&fixture(name), &|chunks| decode(chunks.iter().copied()));
    }
}

#[test]
fn a_stream_that_breaks_off_anywhere_is_cut_and_never_whole() {
    for name in STREAMS {
        let recorded = fixture(name);
        let text = String::from_utf8(recorded.clone()).expect("text");
        let last = text.rfind("data:").expect("there is an event");
        let line = last + text.get(last..).and_then(|line| line.find('\r')).expect("it ends");
        for end in 0..line {
            let (events, ended) = decode([&recorded[..end]]);
            assert!(
                matches!(ended, Err(ProviderError::Truncated { .. })),
                "{name} {end}: {ended:?}"
            );
            assert!(!events.iter().any(|event| matches!(event, ProviderEvent::Finished(_))));
        }
        assert!(decode([&recorded[..line]]).1.is_ok(), "{name}");
    }
}

/// What is kept of a recorded answer, and what the next request to the same model holds of it.
fn sent_back(name: &str) -> Value {
    let mut answer = Answer::default();
    for event in events_of(name) {
        answer.push(event);
    }
    let request = request(vec![Body::instruction("q"), answer.body(), Body::instruction("r")]);
    let body = testing::render(&Gemini, &request).expect("a good request");
    let body: Value = serde_json::from_str(&body).expect("it is JSON");
    body["contents"][1]["parts"].clone()
}

/// The parts of a recorded stream as they came; what belongs together is put together, empty parts
/// are left out.
fn parts_of(name: &str) -> Vec<Value> {
    let recorded = String::from_utf8(fixture(name)).expect("text");
    let chunks = recorded.lines().filter_map(|line| line.strip_prefix("data: "));
    let mut parts: Vec<Value> = Vec::new();
    for chunk in chunks {
        let chunk: Value = serde_json::from_str(chunk).expect("it is JSON");
        let came = chunk["candidates"][0]["content"]["parts"].as_array().cloned();
        for part in came.unwrap_or_default() {
            let is_plain =
                |part: &Value| part["text"].is_string() && part.get("thoughtSignature").is_none();
            let goes_on = parts.last().is_some_and(|last| {
                is_plain(last) && is_plain(&part) && last["thought"] == part["thought"]
            });
            match parts.last_mut() {
                _ if part == json!({ "text": "" }) => {}
                Some(last) if goes_on => {
                    let text =
                        [&last["text"], &part["text"]].map(|text| text.as_str().expect("text"));
                    last["text"] = json!(text.concat());
                }
                _ => parts.push(part),
            }
        }
    }
    parts
}

#[test]
fn what_was_recorded_goes_back_as_it_came() {
    for name in STREAMS {
        let mut came = parts_of(name);
        for part in &mut came {
            // `tiny` is none of the old models, and this server gave no identifier.
            if part.get("functionCall").is_some_and(|call| call.get("id").is_none()) {
                part["functionCall"]["id"] = json!("call_3_0");
            }
        }
        assert_eq!(sent_back(name), Value::Array(came), "{name}");
    }
}
