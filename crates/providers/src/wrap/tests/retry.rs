//! When a call is made anew, and what its reader is told.

use std::{sync::Arc, time::Duration};

use branchwork_core::provider::{Provider as _, ProviderError};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};

use super::support::{
    Answer, Planned, SECOND, busy, cut, down, garbled, invalid, read, refused, request, seconds,
    tell, too_long,
};
use crate::wrap::{Jitter, Retry, RetryOptions};

fn options() -> RetryOptions {
    RetryOptions::new().with_jitter(Jitter::seeded(7))
}

fn retry(inner: &Arc<Planned>, options: RetryOptions) -> Retry {
    Retry::new(Arc::clone(inner) as _, options)
}

/// A call whose first try fails as `answer` says, and whose second is whole.
async fn second(answer: Answer, options: RetryOptions) -> Vec<String> {
    let inner = Planned::new([answer, Answer::text("Rome.")]);
    let provider = retry(&inner, options.with_wait_first(Duration::ZERO));
    read(&provider, &request("Where?")).await
}

const WHOLE: [&str; 4] = ["started tiny", "Rome.", "usage 10 5 - -", "stop"];

#[tokio::test(start_paused = true)]
async fn what_is_not_accepted_is_asked_again_and_the_reader_is_told_first() {
    let came = second(Answer::refusal(down()), options()).await;
    let retried = "retried 1 after 0ns: the provider is unavailable: overloaded";
    assert_eq!(came, [&[retried], &WHOLE[..]].concat());
}

#[tokio::test(start_paused = true)]
async fn what_breaks_off_before_something_is_said_is_asked_again() {
    let came = second(Answer::new().fails(cut()), options()).await;
    let retried = "retried 1 after 0ns: the answer was cut off";
    assert_eq!(came, [&["started tiny", retried], &WHOLE[..]].concat());
    // An answer that just ends is cut off, too.
    assert_eq!(second(Answer::new(), options()).await, came);
}

#[tokio::test(start_paused = true)]
async fn what_breaks_off_after_something_was_said_is_asked_again_only_when_that_is_wanted() {
    let broken = || Answer::new().piece("Ro").fails(cut());
    let came = second(broken(), options()).await;
    assert_eq!(came, ["started tiny", "Ro", "error: the answer was cut off: "]);
    let came = second(broken(), options().after_first_token(true)).await;
    let retried = "retried 1 after 0ns: the answer was cut off";
    assert_eq!(came, [&["started tiny", "Ro", retried], &WHOLE[..]].concat());
}

#[tokio::test(start_paused = true)]
async fn only_what_passes_is_asked_again() {
    for (error, calls) in [
        (busy(None), 2),
        (down(), 2),
        (cut(), 2),
        (garbled(), 2),
        (refused(), 1),
        (invalid(), 1),
        (too_long(), 1),
    ] {
        let line = format!("{error}");
        let inner = Planned::new([Answer::refusal(error), Answer::text("Rome.")]);
        read(&retry(&inner, options()), &request("Where?")).await;
        assert_eq!(inner.calls(), calls, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_are_random_below_a_bound_that_doubles_up_to_the_longest() {
    let mut longest = [Duration::ZERO; 5];
    for seed in 0..200 {
        let inner = Planned::new((0..6).map(|_| Answer::refusal(down())));
        let options = RetryOptions::new()
            .with_jitter(Jitter::seeded(seed))
            .with_retries_max(5)
            .with_wait_first(SECOND)
            .with_wait_max(seconds(6));
        let came = read(&retry(&inner, options), &request("Where?")).await;
        assert_eq!(came.len(), 6, "each retry and the last error: {came:?}");
        let waits = inner
            .times()
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]))
            .collect::<Vec<_>>();
        for ((wait, longest), bound) in waits.iter().zip(&mut longest).zip([1, 2, 4, 6, 6]) {
            // The clock of the tests counts in milliseconds.
            assert!(*wait <= seconds(bound) + Duration::from_millis(1), "{waits:?}");
            *longest = (*longest).max(*wait);
        }
    }
    for (longest, bound) in longest.iter().zip([1, 2, 4, 6, 6]) {
        assert!(*longest > seconds(bound) * 9 / 10, "the whole wait is random: {longest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_never_comes_earlier_than_the_server_asks() {
    for seed in 0..50 {
        let inner = Planned::new([Answer::refusal(busy(Some(seconds(20)))), Answer::text("Rome.")]);
        let options = RetryOptions::new().with_jitter(Jitter::seeded(seed));
        read(&retry(&inner, options), &request("Where?")).await;
        let waited = inner.times()[1];
        assert!(waited >= seconds(20) && waited <= seconds(21), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_is_an_error_at_once_which_says_it() {
    let inner = Planned::new([Answer::refusal(busy(Some(seconds(61))))]);
    let provider = retry(&inner, options());
    let error = provider.call(&request("Where?")).await.err().expect("it is given up");
    assert!(
        matches!(&error, ProviderError::RateLimited { retry_after, detail }
            if *retry_after == Some(seconds(61)) && detail == "slow down"),
        "{error:?}"
    );
    assert_eq!(inner.began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn tries_and_their_time_are_bounded() {
    let inner = Planned::new((0..5).map(|_| Answer::refusal(down())));
    let came = read(&retry(&inner, options()), &request("Where?")).await;
    assert_eq!((inner.calls(), came.len()), (5, 5));
    assert_eq!(came[4], "error: the provider is unavailable: overloaded");

    let inner = Planned::new([Answer::refusal(down())]);
    let came = read(&retry(&inner, options().with_retries_max(0)), &request("Where?")).await;
    assert_eq!(came, ["error: the provider is unavailable: overloaded"]);

    // The second try would end its wait too late.
    let slow = || Answer::later(seconds(50)).fails(cut());
    let inner = Planned::new([slow(), slow(), slow()]);
    let provider = retry(&inner, options().with_time_max(seconds(60)));
    let came = read(&provider, &request("Where?")).await;
    assert_eq!((inner.calls(), came.len()), (2, 2), "{came:?}");
}

#[tokio::test(start_paused = true)]
async fn tokens_of_tries_that_failed_are_told_and_stay_counted() {
    let inner = Planned::new([
        Answer::new().used(100, 1).fails(cut()),
        Answer::refusal(down()),
        Answer::new().used(100, 2).piece("Rome.").used(100, 7).end(),
    ]);
    let came = read(&retry(&inner, options()), &request("Where?")).await;
    let usage: Vec<_> = came.iter().filter(|line| line.starts_with("usage")).collect();
    let known = "usage 100 1 - -";
    assert_eq!(usage, [known, known, known, "usage 200 3 - -", "usage 200 8 - -"]);
    // Also when the last try fails without a word.
    let inner = Planned::new([Answer::new().used(100, 1).fails(cut()), Answer::refusal(refused())]);
    let came = read(&retry(&inner, options()), &request("Where?")).await;
    assert_eq!(came[3], known, "{came:?}");
    assert_eq!(came[4], "error: the provider refused the credentials: who are you");
}

#[tokio::test(start_paused = true)]
async fn retries_over_retries_count_and_add_up() {
    let failing = || Answer::new().used(10, 1).fails(cut());
    let inner = Planned::new([failing(), failing(), failing(), failing(), Answer::text("Rome.")]);
    let once = Retry::new(Arc::clone(&inner) as _, options().with_retries_max(1));
    let twice = Retry::new(Arc::new(once), options());
    let came = read(&twice, &request("Where?")).await;
    let numbers = came.iter().filter_map(|line| line.strip_prefix("retried ")?.split(' ').next());
    assert_eq!(numbers.collect::<Vec<_>>(), ["1", "2", "3", "4"]);
    assert_eq!(came[came.len() - 2], "usage 50 9 - -", "{came:?}");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_that_waits_makes_no_other() {
    let inner = Planned::new([Answer::refusal(busy(Some(seconds(20))))]);
    let provider = retry(&inner, options());
    let mut events = provider.call(&request("Where?")).await.expect("it will be tried again");
    assert!(timeout(seconds(10), events.next()).await.is_err(), "it waits");
    drop(events);
    tokio::time::advance(seconds(100)).await;
    assert_eq!((inner.calls(), inner.dropped()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_that_goes_on_hangs_up() {
    let stuck = || Answer::later(seconds(1_000));
    let refuses = || Answer::refusal(busy(None));
    let inner = Planned::new([stuck(), refuses(), stuck(), Answer::new().wait(seconds(1_000))]);
    let provider = retry(&inner, options());
    let asked = request("Where?");
    assert!(timeout(SECOND, provider.call(&asked)).await.is_err());
    assert_eq!(inner.dropped(), 1, "the first try");
    let mut events = provider.call(&asked).await.expect("it will be tried again");
    let began = Instant::now();
    assert!(tell(&events.next().await.expect("a retry")).starts_with("retried 1"));
    assert!(timeout(SECOND, events.next()).await.is_err(), "{:?}", began.elapsed());
    drop(events);
    assert_eq!(inner.dropped(), 2, "the second one");
    let mut events = provider.call(&asked).await.expect("it is accepted");
    assert_eq!(tell(&events.next().await.expect("it began")), "started tiny");
    assert!(timeout(SECOND, events.next()).await.is_err());
    drop(events);
    assert_eq!(inner.dropped(), 3, "an answer");
}
