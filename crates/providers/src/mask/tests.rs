//! Keys in answers, whole and in pieces.

use std::sync::Arc;

use branchwork_core::{
    message::Native,
    provider::{EventStream, Finish, ModelInfo, ProviderError, ProviderEvent, Usage},
    secret::Secret,
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use proptest::prelude::*;
use serde_json::json;

use super::Mask;
use crate::{Parser, Protocol, dialect::KeyHeader, testing::request};

const KEY: &str = "sk-planted/0123456789+abc";

fn mask() -> Arc<Mask> {
    Arc::new(Mask::new(&[Secret::new(KEY), Secret::new("ollama")]))
}

fn masked(events: Vec<ProviderEvent>) -> Vec<ProviderEvent> {
    let events = Box::pin(stream::iter(events.into_iter().map(Ok)));
    let events = mask().events(events).map(|event| event.expect("there is no error"));
    events.collect().now_or_never().expect("nothing waits")
}

fn text(text: &str) -> ProviderEvent {
    ProviderEvent::Text(text.to_owned())
}

fn said(events: &[ProviderEvent]) -> String {
    let text = |event: &ProviderEvent| match event {
        ProviderEvent::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    events.iter().map(text).collect()
}

#[test]
fn a_key_is_taken_out_wherever_it_is_cut() {
    for cut in 0..=KEY.len() {
        let (left, right) = KEY.split_at(cut);
        let events =
            masked(vec![text(&format!("It is {left}")), text(&format!("{right}, ollama."))]);
        assert_eq!(said(&events), "It is ***, ollama.", "{cut}");
    }
    let letters: Vec<_> = KEY.chars().map(|letter| text(&letter.to_string())).collect();
    assert_eq!(masked(letters), [text("***")]);
}

#[test]
fn titles_addresses_and_words_are_no_keys() {
    let values = [
        "A title of many words",
        "https://example.com/a/long/way",
        "none",
        "Bearer sk-0123456789-0123456789",
    ];
    let mask = Arc::new(Mask::new(&values.map(Secret::new)));
    let mut said = values.join(", ");
    mask.clean(&mut said);
    assert_eq!(said, "A title of many words, https://example.com/a/long/way, none, Bearer ***");
}

#[test]
fn what_only_begins_as_a_key_is_handed_on_in_its_place() {
    let thought = |text: &str| ProviderEvent::Reasoning(text.to_owned());
    let events =
        vec![thought("s"), text("ask-"), text("sk-pl"), ProviderEvent::Finished(Finish::Stop)];
    let expected = vec![
        thought("s"),
        text("a"),
        text("sk-"),
        text("sk-pl"),
        ProviderEvent::Finished(Finish::Stop),
    ];
    assert_eq!(masked(events), expected);
    assert_eq!(masked(vec![text("sk-planted")]), [text("sk-planted")]);
}

/// The event as one of the answer with that number.
fn of(choice: u32, event: ProviderEvent) -> ProviderEvent {
    match choice {
        0 => event,
        choice => ProviderEvent::Sibling { choice, event: Box::new(event) },
    }
}

/// Checks that a key in two pieces of `piece` with `between` in the middle does not come through.
fn check_between(piece: impl Fn(&str) -> ProviderEvent, between: &ProviderEvent) {
    for cut in 1..KEY.len() {
        let (left, right) = KEY.split_at(cut);
        let events = masked(vec![piece(left), between.clone(), piece(right)]);
        let shown = format!("{events:?}");
        assert_eq!(shown.matches("***").count(), 1, "{shown}");
    }
}

#[test]
fn what_comes_between_the_pieces_of_a_key_does_not_let_it_through() {
    let argued = |index, text: &str| ProviderEvent::CallArguments { index, text: text.to_owned() };
    for choice in [0, 2] {
        for between in [
            of(choice, ProviderEvent::Usage(Usage::default())),
            of(choice, ProviderEvent::Logprobs(json!({ "content": [{ "token": "sk-" }] }))),
            of(choice, ProviderEvent::ReasoningDetail(json!({ "index": 0 }))),
            of(1, text("sk-")),
            of(1, ProviderEvent::Finished(Finish::Stop)),
            of(choice, argued(9, "{}")),
        ] {
            check_between(|piece| of(choice, text(piece)), &between);
            let thought = |text: &str| ProviderEvent::Reasoning(text.to_owned());
            check_between(|piece| of(choice, thought(piece)), &between);
            check_between(|piece| of(choice, argued(3, piece)), &between);
        }
        for between in [text("sk-"), argued(7, "sk-")] {
            check_between(|piece| of(choice, argued(3, piece)), &of(choice, between));
        }
    }
}

#[test]
fn what_was_used_is_told_while_a_text_is_held_back() {
    let used = ProviderEvent::Usage(Usage::default());
    let events = masked(vec![text("It is sk-"), used.clone(), used.clone(), text("none")]);
    assert_eq!(events, [text("It is "), used.clone(), used, text("sk-none")]);
}

#[test]
fn log_probabilities_do_not_spell_a_key() {
    let spelt = |token: &str| ProviderEvent::Logprobs(json!({ "content": [{ "token": token }] }));
    let (left, right) = KEY.split_at(9);
    let events = masked(vec![
        text("It is "),
        spelt("It is "),
        text(left),
        spelt(left),
        text(right),
        spelt(right),
        text("."),
        spelt("."),
    ]);
    assert_eq!(events, [text("It is "), spelt("It is "), text("***"), text(".")]);
}

/// A protocol that tells log probabilities: a stream that says a piece, and its end; a whole answer.
struct Spelling {
    protocol: Protocol,
    piece: fn(&str) -> String,
    end: &'static str,
    whole: fn(&str) -> String,
}

const SPELLINGS: [Spelling; 4] = [
    Spelling {
        protocol: Protocol::Chat(crate::Dialect::COMMON),
        piece: |said| {
            let logprobs = json!({ "content": [{ "token": said }] });
            let choice = json!({ "delta": { "content": said }, "logprobs": logprobs });
            format!("data: {}\n\n", json!({ "choices": [choice] }))
        },
        end: "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        whole: |said| {
            let logprobs = json!({ "content": [{ "token": said }] });
            let message = json!({ "content": said });
            json!({ "choices": [{ "logprobs": logprobs, "message": message }] }).to_string()
        },
    },
    Spelling {
        protocol: Protocol::Responses(KeyHeader::Bearer),
        piece: |said| {
            let event = json!({
                "type": "response.output_text.delta", "item_id": "i", "delta": said,
                "logprobs": [{ "token": said }],
            });
            format!("data: {event}\n\n")
        },
        end: "data: {\"type\":\"response.completed\",\"response\":{\"output\":[]}}\n\n",
        whole: |said| {
            let part = json!({ "text": said, "logprobs": [{ "token": said }] });
            let message = json!({ "type": "message", "content": [part] });
            json!({ "output": [message], "status": "completed" }).to_string()
        },
    },
    Spelling {
        protocol: Protocol::Gemini,
        piece: |said| {
            let chosen = json!({ "chosenCandidates": [{ "token": said }] });
            let content = json!({ "parts": [{ "text": said }] });
            let candidate = json!({ "logprobsResult": chosen, "content": content });
            format!("data: {}\n\n", json!({ "candidates": [candidate] }))
        },
        end: "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n",
        whole: |said| {
            let chosen = json!({ "chosenCandidates": [{ "token": said }] });
            let content = json!({ "parts": [{ "text": said }] });
            json!({ "candidates": [{ "logprobsResult": chosen, "content": content }] }).to_string()
        },
    },
    Spelling {
        protocol: Protocol::Ollama,
        piece: |said| {
            let line = json!({ "message": { "content": said }, "logprobs": [{ "token": said }] });
            format!("{line}\n")
        },
        end: "{\"done\":true}\n",
        whole: |said| {
            let message = json!({ "content": said });
            json!({ "done": true, "logprobs": [{ "token": said }], "message": message }).to_string()
        },
    },
];

/// In every protocol log probabilities come behind the text that they belong to.
#[test]
fn no_protocol_tells_log_probabilities_that_spell_a_key() {
    for Spelling { protocol, piece, end, whole } in SPELLINGS {
        let parser = || Parser::new(protocol, &request(Vec::new()));
        let (left, right) = KEY.split_at(9);
        for pieces in [&["It is ", left, right, "."][..], &["It is ", KEY, "."]] {
            let mut streamed = parser();
            let said: String = pieces.iter().map(|said| piece(said)).collect();
            streamed.push((said + end).as_bytes()).expect("it can be read");
            streamed.finish().expect("it is whole");
            let shown = format!("{:?}", masked(streamed.collect()));
            assert!(!shown.contains(left) && !shown.contains(right), "{protocol}: {shown}");
            assert_eq!(shown.matches("token").count(), 1, "{protocol}: {shown}");
        }
        let mut at_once = parser();
        at_once.read_whole(whole(KEY).as_bytes()).expect("it can be read");
        let shown = format!("{:?}", masked(at_once.collect()));
        assert!(shown.contains("***") && !shown.contains("token"), "{protocol}: {shown}");
    }
}

#[test]
fn what_came_behind_a_text_stays_behind_it() {
    let detail = |number: u32| ProviderEvent::ReasoningDetail(json!({ "index": number }));
    let thought = |text: &str| ProviderEvent::Reasoning(text.to_owned());
    let events = vec![thought("yes"), detail(0), detail(1), thought("k"), detail(2), text("no")];
    let expected = vec![thought("ye"), thought("sk"), detail(0), detail(1), detail(2), text("no")];
    assert_eq!(masked(events), expected);
}

#[test]
fn an_error_comes_after_what_was_said_before_it() {
    let events: EventStream = Box::pin(stream::iter([
        Ok(text("half sk-")),
        Err(ProviderError::Truncated { source: None }),
    ]));
    let mut events = mask().events(events);
    let mut next = || events.next().now_or_never().expect("nothing waits");
    assert!(matches!(next(), Some(Ok(ProviderEvent::Text(said))) if said == "half "));
    assert!(matches!(next(), Some(Ok(ProviderEvent::Text(said))) if said == "sk-"));
    assert!(matches!(next(), Some(Err(ProviderError::Truncated { .. }))));
    assert!(next().is_none());
}

#[test]
fn every_field_of_every_event_is_looked_at() {
    let key = || KEY.to_owned();
    let events = vec![
        ProviderEvent::Logprobs(json!({ "content": [{ "token": KEY }] })),
        ProviderEvent::Started { model: Some(key()), response_id: Some(key()) },
        ProviderEvent::Reasoning(key()),
        ProviderEvent::ReasoningDetail(json!([{ "a": KEY }])),
        ProviderEvent::ReasoningEnded { native: Some(Native::new("p", "m", KEY.into())) },
        ProviderEvent::Native(Native::new("p", "m", json!({ "b": [KEY] }))),
        ProviderEvent::CallStarted { index: 0, id: key(), function: key() },
        ProviderEvent::CallArguments { index: 0, text: format!("{{\"k\":\"{KEY}") },
        ProviderEvent::CallArguments { index: 1, text: key() },
        ProviderEvent::Finished(Finish::Other(key())),
    ];
    let count = events.len();
    let shown = format!("{:?}", masked(events));
    assert!(!shown.contains(KEY) && shown.matches("***").count() == count + 2, "{shown}");
    let models = vec![ModelInfo { id: key(), owner: Some(key()), context_tokens: None }];
    assert!(!format!("{:?}", mask().models(models)).contains(KEY));
}

proptest! {
    #[test]
    fn any_pieces_say_what_the_whole_says(
        pieces in prop::collection::vec("s|sk|sk-planted/0123456789\\+ab|-planted/0123456789\\+abc|c|x", 0..12),
    ) {
        let whole = pieces.concat().replace(KEY, "***");
        let events = masked(pieces.iter().map(|piece| text(piece)).collect());
        prop_assert_eq!(said(&events), whole);
    }
}
