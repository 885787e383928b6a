//! Recorded answers of real servers.

use branchwork_core::{
    message::{Body, Native, Part},
    provider::{ProviderError, ProviderEvent},
    turn::Answer,
};
use serde_json::{Value, json};

use super::{decode, decode_whole, fixture, show};
use crate::{
    dialect::KeyHeader,
    responses::Responses,
    testing::{render, request},
};

const STREAMS: [&str; 4] = [
    "responses/llamacpp_call.sse",
    "responses/llamacpp_thought.sse",
    "responses/openai_call.sse",
    "responses/openai_text.sse",
];

fn recorded(name: &str) -> Vec<ProviderEvent> {
    let recorded = fixture(name);
    let is_stream = recorded.starts_with(b"event:");
    let (events, ended) = if is_stream { decode([&*recorded]) } else { decode_whole(&recorded) };
    assert!(ended.is_ok(), "{name}: {ended:?}");
    events
}

fn check_recorded(name: &str, expected: &str) {
    assert_eq!(show(&recorded(name)), expected.trim(), "{name}");
}

#[test]
fn recorded_streams_become_these_events() {
    check_recorded(
        "responses/openai_text.sse",
        r#"
started Some("gpt-4o-2024-08-06") Some("resp_0833439a21e2e07f00692744f7343c8194a974c6475b934753")
text 1|,| |2|,| |3
usage 11 8 0 0
finished stop"#,
    );
    check_recorded(
        "responses/openai_call.sse",
        r#"
started Some("gpt-4o-2024-08-06") Some("resp_689f74e452808192a56e86fa1107aa6b0d633b0c8e3fd59d")
call 0 call_B6pmEGgYkNcOtg8K8wpLVj1b compose_music
arguments 0 {
arguments 0 "style
arguments 0 ":
arguments 0 "s
arguments 0 ymph
arguments 0 ony
arguments 0 ",
arguments 0 "key
arguments 0 ":
arguments 0 "D
arguments 0  major
arguments 0 "}
usage 119 38 0 0
finished tool_calls"#,
    );
    check_recorded(
        "responses/llamacpp_call.sse",
        r#"
started None Some("resp_VVQ7pJwO0UWsdg1w6fK3qB7jH6QCABv2")
call 0 call_d6D7kFlqPfA9GiRpm2AUoPZkk9d6GMje get_weather
arguments 0 {
arguments 0 "
arguments 0 city
arguments 0 ":
arguments 0  "
arguments 0 R
arguments 0 ome
arguments 0 "}
usage 199 22 3 -
finished tool_calls"#,
    );
    check_recorded(
        "responses/llamacpp_thought.sse",
        r#"
started None Some("resp_WyyCwKbEvRhSxc7B4rcFPdxkR7ocB9CX")
thought I| |lo|o|k| at| the| map|.|

thought ended 
text I|t| is| |R|ome|.
detail {"block":{"content":[{"text":"I look at the map.\n","type":"reasoning_text"}],"encrypted_content":"","id":"rs_7NldqBhVsQCQhpB21hn6rWEpGfcgEphq","summary":[],"type":"reasoning"},"model":"thinker","protocol":"responses"}
usage 18 22 3 -
finished stop"#,
    );
}

#[test]
fn recorded_whole_answers_become_these_events() {
    check_recorded(
        "responses/openai_calls.json",
        r#"
started Some("gpt-4.1-nano-2025-04-14") Some("resp_0f241063cf6416c80069cbcbe19f8c8199b8295e95a345f359")
call 0 call_grggfsR0ccRoMcXy17gsju6I get_weather
arguments 0 {"location":"London"}
call 1 call_jQ4vl5MZL0h55SoqPmlfYYyd get_weather
arguments 1 {"location":"London"}
usage 59 45 0 0
finished tool_calls"#,
    );
    check_recorded(
        "responses/llamacpp_thought.json",
        r#"
started Some("qwen0.5b") Some("resp_sX6x74THNqNCSOqI97mJfJQRNttvs8Mj")
thought I look at the map.

thought ended {"content":[{"text":"I look at the map.\n","type":"reasoning_text"}],"encrypted_content":"","id":"rs_khqXX3OaGpcCF2x0wDgA0TxlNfv1SqLW","status":"completed","summary":[],"type":"reasoning"}
text It is Rome.
usage 18 22 17 -
finished stop"#,
    );
}

#[test]
fn a_recorded_thought_in_several_parts_is_one_that_only_people_can_read() {
    let name = "responses/openai_thoughts.json";
    let response: Value = serde_json::from_slice(&fixture(name)).expect("JSON");
    let summary = response["output"][0]["summary"].as_array().expect("a list");
    let texts: Vec<_> = summary.iter().filter_map(|part| part["text"].as_str()).collect();
    assert_eq!(texts.len(), 5);
    let mut answer = Answer::default();
    for event in recorded(name) {
        answer.push(event);
    }
    let said = response["output"][1]["content"][0]["text"].as_str().expect("text");
    let thought = Part::Reasoning { text: texts.join("\n\n"), detail: None };
    assert_eq!(answer.body(), Body::Response { parts: vec![thought, Part::text(said)] });
    let sent = json!({ "type": "message", "role": "assistant", "content": said });
    assert_eq!(input("thinker", answer.body()), [sent]);
}

#[test]
fn recorded_items_are_kept_as_they_came_and_go_back_as_they_were() {
    let name = "responses/openai_web_search.json";
    let response: Value = serde_json::from_slice(&fixture(name)).expect("JSON");
    let [search, message] = response["output"].as_array().expect("a list").as_slice() else {
        panic!("a search and a message were recorded")
    };
    let content = &message["content"][0];
    let mut answer = Answer::default();
    for event in recorded(name) {
        answer.push(event);
    }
    let note = json!({ "type": "message", "annotations": content["annotations"] });
    let kept = [
        Part::Native(Native::new("responses", "thinker", search.clone())),
        Part::text(content["text"].as_str().expect("text")),
        Part::Native(Native::new("responses", "thinker", note)),
    ];
    assert_eq!(answer.body(), Body::Response { parts: kept.to_vec() });
    let sent = [
        search.clone(),
        json!({ "type": "message", "role": "assistant", "content": content["text"] }),
    ];
    assert_eq!(input("thinker", answer.body()), sent);
}

#[test]
fn a_recorded_thought_goes_back_as_it_came_streamed_or_whole() {
    for name in ["responses/llamacpp_thought.sse", "responses/llamacpp_thought.json"] {
        let mut answer = Answer::default();
        for event in recorded(name) {
            answer.push(event);
        }
        let items = input("thinker", answer.body());
        let [thought, text] = items.as_slice() else { panic!("{name}: {items:?}") };
        let content = json!([{ "type": "reasoning_text", "text": "I look at the map.\n" }]);
        assert_eq!(
            (&thought["type"], &thought["content"]),
            (&json!("reasoning"), &content),
            "{name}"
        );
        assert!(thought["id"].as_str().is_some_and(|id| id.starts_with("rs_")), "{name}");
        assert_eq!(text["content"], "It is Rome.", "{name}");
        assert_eq!(
            input("another", answer.body()).as_slice(),
            std::slice::from_ref(text),
            "{name}"
        );
    }
}

/// What `model` is sent for `body`.
fn input(model: &str, body: Body) -> Vec<Value> {
    let mut request = request(vec![body]);
    request.config.model = Some(model.to_owned());
    let rendered = render(&Responses { key_header: KeyHeader::Bearer }, &request).expect("good");
    let mut sent: Value = serde_json::from_str(&rendered).expect("JSON");
    serde_json::from_value(sent["input"].take()).expect("a list")
}

#[test]
fn recorded_streams_give_the_same_events_wherever_they_are_split() {
    for name in STREAMS {
        let recorded = fixture(name);
        let (whole, ended) = decode([&*recorded]);
        let is_finished = matches!(whole.last(), Some(ProviderEvent::Finished(_)));
        assert!(ended.is_ok() && is_finished, "{name}");
        let (single, ended) = decode(recorded.chunks(1));
        assert!(ended.is_ok() && single == whole, "{name} byte by byte");
        for at in 1..recorded.len() {
            let (split, ended) = decode([&recorded[..at], &recorded[at..]]);
            assert!(ended.is_ok() && split == whole, "{name} split at {at}");
        }
    }
}

#[test]
fn a_stream_that_breaks_off_anywhere_is_cut_and_never_whole() {
    for name in STREAMS {
        let recorded = fixture(name);
        let text = str::from_utf8(&recorded).expect("text");
        let last = text.rfind("data: ").expect("there is an end");
        let line = text.get(last..).and_then(|rest| rest.find('\n')).expect("the line ends");
        let end = last + line;
        for at in 0..end {
            let (events, ended) = decode([&recorded[..at]]);
            assert!(
                matches!(ended, Err(ProviderError::Truncated { .. })),
                "{name} at {at}: {ended:?}"
            );
            assert!(!events.iter().any(|event| matches!(event, ProviderEvent::Finished(_))));
        }
        assert!(decode([&recorded[..end]]).1.is_ok(), "{name}");
    }
}
