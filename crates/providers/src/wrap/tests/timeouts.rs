//! Which calls take too long.

use std::{sync::Arc, time::Duration};

use branchwork_core::provider::{Finish, Provider as _, ProviderError, ProviderEvent};
use futures_util::StreamExt as _;
use tokio::time::{advance, timeout};

use super::support::{Answer, Planned, SECOND, of_sibling, read, request, seconds, sibling, tell};
use crate::wrap::{TimeoutOptions, Timeouts};

fn options() -> TimeoutOptions {
    TimeoutOptions::new()
        .with_first_token(seconds(10))
        .with_between_tokens(seconds(3))
        .with_total(seconds(60))
}

fn timeouts(inner: &Arc<Planned>) -> Timeouts {
    Timeouts::new(Arc::clone(inner) as _, options())
}

/// What comes of an answer, after how long, and whether it was dropped before its end.
async fn outcome(answer: Answer) -> (Vec<String>, Duration, usize) {
    let inner = Planned::new([answer]);
    let came = read(&timeouts(&inner), &request("Where?")).await;
    (came, inner.began.elapsed(), inner.dropped())
}

fn late(what: &str) -> String {
    format!("error: the provider is unavailable: no {what}")
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_accepted_in_time_ends() {
    let (came, time, dropped) = outcome(Answer::later(seconds(11)).piece("Rome.").end()).await;
    assert_eq!(came, [late("first token came within 10s")]);
    assert_eq!((time, dropped), (seconds(10), 1));
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_is_no_first_token() {
    let answer = Answer::new().wait(seconds(6)).used(1, 0).wait(seconds(5)).piece("Rome.").end();
    let (came, time, dropped) = outcome(answer).await;
    assert_eq!(came, ["started tiny", "usage 1 0 - -", &late("first token came within 10s")]);
    assert_eq!((time, dropped), (seconds(10), 1));
}

#[tokio::test(start_paused = true)]
async fn another_answer_says_something_by_what_it_says_and_not_by_its_end() {
    let ends = of_sibling(1, ProviderEvent::Finished(Finish::Stop));
    let after = |event| Answer::new().wait(seconds(6)).says(event).wait(seconds(5));
    let (came, ..) = outcome(after(ends).piece("Rome.").end()).await;
    assert_eq!(came.last(), Some(&late("first token came within 10s")));
    let (came, ..) = outcome(after(sibling(1, "Oslo.")).piece("Rome.").end()).await;
    assert_eq!(came.last(), Some(&late("next token came within 3s")));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stops_in_the_middle_ends_and_its_part_stays() {
    let answer = Answer::new().wait(seconds(9)).piece("Ro").wait(seconds(4)).piece("me.").end();
    let (came, time, dropped) = outcome(answer).await;
    assert_eq!(came, ["started tiny", "Ro", &late("next token came within 3s")]);
    assert_eq!((time, dropped), (seconds(12), 1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_end_in_time_ends() {
    let piece = |answer: Answer, _| answer.wait(Duration::from_millis(1_900)).piece("la");
    let (came, time, dropped) = outcome((0..100).fold(Answer::new(), piece)).await;
    assert_eq!(came.len(), 1 + 31 + 1, "{came:?}");
    assert_eq!(came.last(), Some(&late("end of the answer came within 60s")));
    assert_eq!((time, dropped), (seconds(60), 1));
    // Also one of which nothing comes.
    let options = TimeoutOptions::new().with_total(SECOND);
    let inner = Planned::new([Answer::later(seconds(2))]);
    let came = read(&Timeouts::new(inner as _, options), &request("Where?")).await;
    assert_eq!(came, [late("end of the answer came within 1s")]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_is_left_alone() {
    let piece = |answer: Answer, _| answer.wait(Duration::from_millis(2_900)).piece("la");
    let answer = (0..15).fold(Answer::new().wait(seconds(7)), piece).used(1, 15).end();
    let (came, time, dropped) = outcome(answer).await;
    assert_eq!((came.len(), came.last().map(String::as_str)), (18, Some("stop")), "{came:?}");
    assert_eq!((time, dropped), (Duration::from_millis(7_000 + 15 * 2_900), 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_whole_has_no_tokens_to_wait_for() {
    let inner = Planned::new([Answer::later(seconds(50)).piece("Rome.").end()]);
    let came = read(&timeouts(&inner), &request("Where?").without_stream()).await;
    assert_eq!(came, ["Rome.", "stop"]);
    let inner = Planned::new([Answer::later(seconds(61)).piece("Rome.").end()]);
    let came = read(&timeouts(&inner), &request("Where?").without_stream()).await;
    assert_eq!(came, [late("end of the answer came within 60s")]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_takes_his_time_is_not_the_server() {
    let inner = Planned::new([Answer::new().piece("Ro").wait(seconds(2)).piece("me.").end()]);
    let mut events = timeouts(&inner).call(&request("Where?")).await.expect("it is accepted");
    for line in ["started tiny", "Ro"] {
        assert_eq!(tell(&events.next().await.expect("more comes")), line);
        advance(seconds(8)).await;
    }
    assert_eq!(tell(&events.next().await.expect("more comes")), "me.");
    advance(seconds(100)).await;
    assert_eq!(tell(&events.next().await.expect("what is there counts")), "stop");
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_after_the_end_and_the_error_says_what_to_do() {
    let inner = Planned::new([Answer::later(seconds(11))]);
    let error = timeouts(&inner).call(&request("Where?")).await.err().expect("it is late");
    assert!(matches!(error, ProviderError::Unavailable { status: None, .. }), "{error:?}");
    assert!(error.is_retryable());
    let inner = Planned::new([Answer::new().piece("Ro").wait(seconds(100))]);
    let mut events = timeouts(&inner).call(&request("Where?")).await.expect("it is accepted");
    while !matches!(events.next().await, Some(Err(_))) {}
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_hangs_up() {
    let inner = Planned::new([Answer::later(seconds(9)), Answer::new().wait(seconds(9))]);
    let provider = timeouts(&inner);
    let asked = request("Where?");
    assert!(timeout(SECOND, provider.call(&asked)).await.is_err());
    let mut events = provider.call(&asked).await.expect("it is accepted");
    assert_eq!(tell(&events.next().await.expect("it began")), "started tiny");
    assert!(timeout(SECOND, events.next()).await.is_err());
    drop(events);
    assert_eq!(inner.dropped(), 2);
}
