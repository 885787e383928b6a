//! What is kept of answers, for how long, and what is given again.

use std::{sync::Arc, time::Duration};

use branchwork_core::{
    message::Native,
    provider::{CacheHints, Finish, Provider as _, ProviderEvent, Retried},
};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::time::advance;

use super::support::{
    Answer, Planned, SECOND, cut, down, of_sibling, read, request, seconds, sibling,
};
use crate::wrap::{Cache, CacheOptions};

fn cache(inner: &Arc<Planned>, options: CacheOptions) -> Cache {
    Cache::new(Arc::clone(inner) as _, options)
}

fn texts(count: usize) -> Arc<Planned> {
    Planned::new((0..count).map(|number| Answer::text(&format!("answer {number}"))))
}

/// The text that comes of a request.
async fn text(cache: &Cache, text: &str) -> String {
    read(cache, &request(text)).await.swap_remove(1)
}

#[tokio::test(start_paused = true)]
async fn the_same_request_has_the_same_answer_and_costs_nothing() {
    let native = Native::new("chat", "tiny", json!({ "signature": "s" }));
    let answer = Answer::new()
        .wait(SECOND)
        .says(ProviderEvent::Reasoning("Hm.".to_owned()))
        .says(ProviderEvent::ReasoningEnded { native: Some(native) })
        .piece("Ro")
        .used(10, 1)
        .piece("me.")
        .used(10, 5)
        .says(ProviderEvent::Finished(Finish::ToolCalls));
    let inner = Planned::new([answer]);
    let cache = cache(&inner, CacheOptions::new());
    let mut first = read(&cache, &request("Where?")).await;
    let again = read(&cache, &request("Where?")).await;
    assert_eq!((inner.calls(), inner.began.elapsed()), (1, SECOND), "it comes at once");
    first.retain(|line| !line.starts_with("usage"));
    first.insert(first.len() - 1, "usage 0 0 - -".to_owned());
    assert_eq!(again, first);
}

#[tokio::test(start_paused = true)]
async fn another_request_is_another_one() {
    let inner = texts(3);
    let cache = cache(&inner, CacheOptions::new());
    let mut other = request("Where?");
    other.config.model = Some("large".to_owned());
    assert_eq!(text(&cache, "Where?").await, "answer 0");
    assert_eq!(text(&cache, "Where to?").await, "answer 1");
    assert_eq!(read(&cache, &other).await[1], "answer 2");
    assert_eq!(text(&cache, "Where to?").await, "answer 1");
    assert_eq!(cache.entries(), 3);
}

#[tokio::test(start_paused = true)]
async fn two_sessions_that_ask_the_same_have_the_same_answer() {
    let inner = texts(2);
    let cache = cache(&inner, CacheOptions::new());
    for (key, shared) in [("one", vec![]), ("two", vec![1])] {
        let hints = CacheHints { key: Some(key.to_owned()), shared };
        let said = read(&cache, &request("Where?").with_cache(hints)).await;
        assert!(said.contains(&"answer 0".to_owned()), "{said:?}");
    }
    assert_eq!((inner.calls(), text(&cache, "Where?").await.as_str()), (1, "answer 0"));
}

#[tokio::test(start_paused = true)]
async fn only_whole_answers_that_ended_well_are_kept() {
    let ends = |finish| Answer::new().piece("Ro").says(ProviderEvent::Finished(finish));
    for answer in [
        Answer::refusal(down()),
        Answer::new().piece("Ro").fails(cut()),
        Answer::new().piece("Ro"),
        ends(Finish::Length),
        ends(Finish::ContentFilter),
        ends(Finish::Other("odd".to_owned())),
    ] {
        let line = format!("{answer:?}");
        let inner = Planned::new([answer, Answer::text("Rome.")]);
        let cache = cache(&inner, CacheOptions::new());
        read(&cache, &request("Where?")).await;
        assert_eq!(cache.entries(), 0, "{line}");
        assert_eq!(text(&cache, "Where?").await, "Rome.", "{line}");
        assert_eq!(cache.entries(), 1, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_answers_all_have_to_end_well() {
    let ends = |finish| of_sibling(1, ProviderEvent::Finished(finish));
    let both = |finish| Answer::new().piece("Rome.").says(sibling(1, "Oslo.")).says(ends(finish));
    let retried =
        Retried { retries: 1, wait: SECOND, error_type: "truncated", problem: "cut".to_owned() };
    for (answer, kept) in [
        (both(Finish::Stop).end(), 1),
        (both(Finish::ToolCalls).end(), 1),
        (both(Finish::Length).end(), 0),
        (both(Finish::ContentFilter).end(), 0),
        (both(Finish::Length).says(ProviderEvent::Retried(retried)).piece("Rome.").end(), 1),
    ] {
        let line = format!("{answer:?}");
        let cache = cache(&Planned::new([answer]), CacheOptions::new());
        read(&cache, &request("Where?")).await;
        assert_eq!(cache.entries(), kept, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_of_all_answers_are_counted() {
    let bytes = async |answer: Answer| {
        let cache = cache(&Planned::new([answer]), CacheOptions::new());
        read(&cache, &request("Where?")).await;
        cache.bytes()
    };
    let long = "la".repeat(5_000);
    let with = bytes(Answer::new().piece("Rome.").says(sibling(1, &long)).end()).await;
    let without = bytes(Answer::new().piece("Rome.").end()).await;
    assert!(with > without + long.len(), "{with} and {without}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_dropped_before_its_end_is_not_kept() {
    let inner = texts(2);
    let cache = cache(&inner, CacheOptions::new());
    let mut events = cache.call(&request("Where?")).await.expect("it is accepted");
    for _ in 0..3 {
        assert!(events.next().await.is_some());
    }
    drop(events);
    assert_eq!((cache.entries(), inner.dropped()), (0, 1));
    // Read to its last event it is, though its stream is not at its end.
    let mut events = cache.call(&request("Where?")).await.expect("it is accepted");
    for _ in 0..4 {
        assert!(events.next().await.is_some());
    }
    drop(events);
    assert_eq!(cache.entries(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_count_is_not_kept() {
    let retried =
        Retried { retries: 1, wait: SECOND, error_type: "truncated", problem: "cut".to_owned() };
    let answer =
        Answer::new().piece("Os").says(ProviderEvent::Retried(retried)).piece("Rome.").end();
    let cache = cache(&Planned::new([answer]), CacheOptions::new());
    read(&cache, &request("Where?")).await;
    assert_eq!(read(&cache, &request("Where?")).await, ["Rome.", "usage 0 0 - -", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn the_answer_that_was_not_wanted_for_longest_makes_way() {
    let inner = texts(5);
    let cache = cache(&inner, CacheOptions::new().with_entries_max(2));
    for (question, answer) in [
        ("one", "answer 0"),
        ("two", "answer 1"),
        ("one", "answer 0"),
        ("three", "answer 2"),
        ("one", "answer 0"),
        ("two", "answer 3"),
        ("three", "answer 4"),
    ] {
        assert_eq!(text(&cache, question).await, answer, "{question}");
    }
    assert_eq!(cache.entries(), 2);
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_and_an_answer_that_is_longer_is_not_kept() {
    let long = "la".repeat(5_000);
    let answers = ["a", &long, "b", &long, "c"].map(Answer::text);
    let inner = Planned::new(answers);
    let cache = cache(&inner, CacheOptions::new().with_bytes_max(9_000));
    text(&cache, "a").await;
    let one = cache.bytes();
    assert!(one > 0 && one < 1_000, "{one}");
    text(&cache, "long").await;
    assert_eq!((cache.entries(), cache.bytes()), (1, one));
    text(&cache, "b").await;
    assert_eq!((cache.entries(), cache.bytes()), (2, 2 * one));
    assert_eq!(text(&cache, "long").await.len(), 10_000);
    text(&cache, "a").await;
    assert_eq!(inner.calls(), 4);

    // Many that fit alone make way for each other.
    let inner = Planned::new((0..100).map(|_| Answer::text(&"la".repeat(1_000))));
    let cache = Cache::new(inner, CacheOptions::new().with_bytes_max(9_000));
    for number in 0..100 {
        text(&cache, &number.to_string()).await;
        assert!(cache.bytes() <= 9_000);
    }
    assert_eq!(cache.entries(), 3);
    assert_eq!(cache.bytes() % 3, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_old_is_asked_for_anew() {
    let inner = texts(2);
    let cache = cache(&inner, CacheOptions::new().with_time_max(seconds(60)));
    assert_eq!(text(&cache, "Where?").await, "answer 0");
    advance(Duration::from_millis(59_999)).await;
    assert_eq!(text(&cache, "Where?").await, "answer 0");
    advance(Duration::from_millis(1)).await;
    assert_eq!(text(&cache, "Where?").await, "answer 1");
    assert_eq!(cache.entries(), 1);
}
