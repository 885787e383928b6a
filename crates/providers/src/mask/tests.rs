//! Keys in answers, whole and in pieces.

use std::sync::Arc;

use branchwork_core::{
    message::Native,
    provider::{EventStream, Finish, ModelInfo, ProviderError, ProviderEvent},
    secret::Secret,
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use proptest::prelude::*;
use serde_json::json;

use super::Mask;

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
    mask.text(&mut said);
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
        ProviderEvent::Started { model: Some(key()), response_id: Some(key()) },
        ProviderEvent::Reasoning(key()),
        ProviderEvent::ReasoningDetail(json!([{ "a": KEY }])),
        ProviderEvent::ReasoningEnded { native: Some(Native::new("p", "m", KEY.into())) },
        ProviderEvent::Native(Native::new("p", "m", json!({ "b": [KEY] }))),
        ProviderEvent::CallStarted { index: 0, id: key(), function: key() },
        ProviderEvent::CallArguments { index: 0, text: format!("{{\"k\":\"{KEY}") },
        ProviderEvent::CallArguments { index: 1, text: key() },
        ProviderEvent::Logprobs(json!({ "content": [{ "token": KEY }] })),
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
