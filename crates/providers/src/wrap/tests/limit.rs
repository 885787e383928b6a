//! Who is let through, when, and what is counted.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use branchwork_core::provider::{EventStream, Provider, ProviderError};
use futures_util::{FutureExt as _, StreamExt as _, future::join_all};
use tokio::{
    runtime::Builder,
    time::{Instant, advance, timeout},
};

use super::support::{
    Answer, Planned, SECOND, busy, cut, down, garbled, read, refused, request, seconds, sibling,
    tell, timed_out,
};
use crate::wrap::{InvalidLimit, Limiter, Limits, RateLimit};

fn limiter(limits: Limits) -> Limiter {
    Limiter::new(limits).expect("nothing is 0")
}

fn limit(inner: &Arc<Planned>, limiter: &Limiter) -> RateLimit {
    RateLimit::new(Arc::clone(inner) as _, limiter.clone())
}

async fn call(provider: &dyn Provider, text: &str) -> EventStream {
    provider.call(&request(text)).await.expect("it is accepted")
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_minute_come_at_once_and_then_as_they_come_back() {
    let limiter = limiter(Limits::new().with_requests_per_minute(60));
    let inner = Planned::new((0..64).map(|_| Answer::text("Rome.")));
    // Two users of the provider, one limit.
    let users = [limit(&inner, &limiter), limit(&inner, &limiter)];
    let asked = request("Where?");
    join_all((0..64).map(|number| read(&users[number % 2], &asked))).await;
    let times = inner.times();
    assert_eq!(times[59], Duration::ZERO);
    assert_eq!(times[60..], [1, 2, 3, 4].map(seconds));
}

#[tokio::test(start_paused = true)]
async fn calls_go_through_in_the_order_in_which_they_came() {
    let limiter = limiter(Limits::new().with_concurrency(2));
    let inner =
        Planned::new((0..50).map(|number| {
            Answer::later(Duration::from_millis(10 + number % 7)).piece("Rome.").end()
        }));
    let provider = limit(&inner, &limiter);
    let order = Mutex::new(Vec::new());
    let one = async |number: usize| {
        let events = call(&provider, "Where?").await;
        order.lock().unwrap().push(number);
        events.collect::<Vec<_>>().await
    };
    join_all((0..50).map(one)).await;
    let order = order.into_inner().unwrap();
    // Two are under way at any time, so the one may be accepted just before the other.
    assert!(
        order.iter().enumerate().all(|(place, number)| place.abs_diff(*number) <= 1),
        "{order:?}"
    );
    assert_eq!((limiter.active(), limiter.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_large_call_is_not_overtaken_by_small_ones() {
    let limits = Limits::new().with_output_tokens_per_minute(60).with_output_estimate(60);
    let inner = Planned::new((0..3).map(|_| Answer::new().wait(seconds(1_000)).end()));
    let provider = limit(&inner, &limiter(limits));
    let large = request("Where?");
    let mut small = request("Where?");
    small.config.max_tokens = Some(1);
    // None of their answers ends, so that all keep what was set aside for them.
    let answers = join_all([&large, &large, &small].map(|request| provider.call(request))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(inner.times(), [0, 60, 61].map(seconds));
}

#[tokio::test(start_paused = true)]
async fn tokens_are_set_aside_and_then_counted_as_they_were_used() {
    let limits = Limits::new().with_output_tokens_per_minute(600).with_output_estimate(600);
    let inner = Planned::new([
        Answer::new().wait(SECOND).piece("Rome.").used(1, 120).end(),
        Answer::new().piece("Rome.").used(1, 700).end(),
        Answer::text("Rome."),
    ]);
    let provider = limit(&inner, &limiter(limits));
    let asked = request("Where?");
    join_all((0..3).map(|_| read(&provider, &asked))).await;
    let times = inner.times();
    // 600 were set aside; 120 were used, ten come back in a second, and 600 must be there again.
    assert_eq!(times[1], seconds(12));
    // Then 700 were used: 100 are owed, and it takes 70 seconds until 600 are there.
    assert_eq!(times[2], seconds(12 + 70));
}

#[tokio::test(start_paused = true)]
async fn tokens_of_the_input_are_estimated_and_tokens_of_both_are_counted_together() {
    let text = "word ".repeat(400);
    for limits in [
        Limits::new().with_input_tokens_per_minute(510),
        Limits::new().with_tokens_per_minute(520).with_output_estimate(10),
    ] {
        // 500 tokens, and what sets a message apart: that is what the provider counts, too.
        let answer = || Answer::new().piece("Rome.").used(504, 10).end();
        let inner = Planned::new([answer(), answer()]);
        let provider = limit(&inner, &limiter(limits));
        read(&provider, &request(&text)).await;
        read(&provider, &request(&text)).await;
        let waited = inner.times()[1];
        assert!(waited > seconds(58) && waited < seconds(60), "{limits:?} {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_needs_more_than_a_minute_has_goes_when_all_of_it_is_there() {
    let limits = Limits::new().with_output_tokens_per_minute(60).with_output_estimate(1);
    let answers = [1, 10_000].map(|used| Answer::new().piece("Rome.").used(1, used).end());
    let inner = Planned::new(answers);
    let provider = limit(&inner, &limiter(limits));
    let mut large = request("Where?");
    large.config.max_tokens = Some(10_000);
    read(&provider, &request("Where?")).await;
    read(&provider, &large).await;
    assert_eq!(inner.times()[1], SECOND);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_told_is_counted_by_what_came_and_a_refusal_took_nothing() {
    let limits = Limits::new()
        .with_input_tokens_per_minute(600)
        .with_output_tokens_per_minute(600)
        .with_output_estimate(600);
    // 80 letters are 20 tokens: two seconds until 600 are there again.
    let silent = || Answer::new().piece(&"word ".repeat(16));
    for (answer, waited) in [
        (silent().end(), seconds(2)),
        (silent().fails(down()), seconds(2)),
        (Answer::refusal(down()), Duration::ZERO),
        (Answer::refusal(refused()), Duration::ZERO),
    ] {
        let inner = Planned::new([answer, Answer::text("Rome.")]);
        let provider = limit(&inner, &limiter(limits));
        read(&provider, &request("Where?")).await;
        read(&provider, &request("Where?")).await;
        assert_eq!(inner.times()[1], waited);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_may_have_counted_stays_taken() {
    let limits = Limits::new()
        .with_input_tokens_per_minute(600)
        .with_output_tokens_per_minute(600)
        .with_output_estimate(600);
    let lost: [fn() -> ProviderError; 3] = [cut, garbled, timed_out];
    for error in lost {
        for answer in [
            Answer::refusal(error()),
            Answer::new().piece("Ro").fails(error()),
            Answer::new().piece("Ro").used(8, 1).fails(error()),
        ] {
            let inner = Planned::new([answer, Answer::text("Rome.")]);
            let provider = limit(&inner, &limiter(limits));
            read(&provider, &request("Where?")).await;
            read(&provider, &request("Where?")).await;
            assert_eq!(inner.times()[1], seconds(60), "{:?}", error());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_of_several_answers_counts() {
    let limits = Limits::new().with_output_tokens_per_minute(600).with_output_estimate(200);
    // 80 letters are 20 tokens in each of three answers: 6 seconds until they are there again.
    let text = "word ".repeat(16);
    let answer =
        || Answer::new().piece(&text).says(sibling(1, &text)).says(sibling(2, &text)).end();
    let inner = Planned::new([answer(), answer()]);
    let provider = limit(&inner, &limiter(limits));
    let asked = request("Where?").with_choices(3);
    read(&provider, &asked).await;
    read(&provider, &asked).await;
    assert_eq!(inner.times()[1], seconds(6));
}

#[tokio::test(start_paused = true)]
async fn a_place_is_held_until_the_answer_ends_or_is_dropped() {
    let limiter = limiter(Limits::new().with_concurrency(1));
    let broken = Answer::new().piece("Ro").fails(down());
    let inner = Planned::new([
        Answer::text("Rome."),
        broken,
        Answer::text("Rome."),
        Answer::refusal(down()),
        Answer::text("Rome."),
    ]);
    let provider = limit(&inner, &limiter);
    let mut events = call(&provider, "Where?").await;
    for line in ["started tiny", "Rome.", "usage 10 5 - -"] {
        assert_eq!(tell(&events.next().await.expect("more comes")), line);
        assert_eq!(limiter.active(), 1);
    }
    assert_eq!(tell(&events.next().await.expect("the end")), "stop");
    assert_eq!(limiter.active(), 0, "the answer is whole, though its stream is still there");

    let mut events = call(&provider, "Where?").await;
    while !matches!(events.next().await, Some(Err(_))) {
        assert_eq!(limiter.active(), 1);
    }
    assert_eq!(limiter.active(), 0, "it broke off");

    let events = call(&provider, "Where?").await;
    let asked = request("Where?");
    let mut next = provider.call(&asked);
    assert!(timeout(seconds(100), &mut next).await.is_err(), "it waits");
    assert_eq!((limiter.active(), limiter.waiting()), (1, 1));
    drop(events);
    assert!(next.await.is_err(), "it was refused, and its place is free");
    assert_eq!((limiter.active(), limiter.waiting()), (0, 0));
    drop(call(&provider, "Where?").await);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_gives_its_turn_to_the_next() {
    let limiter = limiter(Limits::new().with_concurrency(1));
    let stuck = || Answer::later(seconds(1_000));
    let inner = Planned::new([Answer::text("Rome."), stuck(), Answer::text("Oslo.")]);
    let provider = limit(&inner, &limiter);
    let first = call(&provider, "Where?").await;
    let asked = request("Where?");
    let [mut second, mut third, mut fourth] = [0, 1, 2].map(|_| provider.call(&asked));
    for waiting in [&mut second, &mut third, &mut fourth] {
        assert!(waiting.now_or_never().is_none());
    }
    // One of the middle: the line closes.
    drop(third);
    assert_eq!(limiter.waiting(), 2);
    // The first has its turn, and is dropped before it takes it.
    drop(first);
    drop(second);
    assert!(timeout(SECOND, &mut fourth).await.is_err(), "it has its turn, and is asked");
    assert_eq!((limiter.active(), limiter.waiting(), inner.calls()), (1, 0, 2));
    // It is dropped while it is asked.
    drop(fourth);
    assert_eq!((limiter.active(), inner.dropped()), (0, 2));
    assert_eq!(read(&provider, &asked).await[1], "Oslo.");
}

#[tokio::test(start_paused = true)]
async fn everybody_waits_when_the_provider_wants_to_be_left_alone() {
    let limiter = limiter(Limits::new());
    let inner = Planned::new([
        Answer::refusal(busy(Some(seconds(20)))),
        Answer::text("Rome."),
        Answer::text("Rome."),
        Answer::new().fails(busy(Some(seconds(5)))),
        Answer::refusal(busy(None)),
        Answer::text("Rome."),
    ]);
    let users = [limit(&inner, &limiter), limit(&inner, &limiter)];
    let asked = request("Where?");
    assert_eq!(
        read(&users[0], &asked).await,
        ["error: the provider limits the rate of calls: slow down"]
    );
    join_all(users.iter().map(|user| read(user, &asked))).await;
    assert_eq!(inner.times()[1..], [20, 20].map(seconds));
    // An answer can break off for it, too; and one who does not say how long stops nobody.
    for _ in 0..3 {
        read(&users[0], &asked).await;
    }
    assert_eq!(inner.times()[3..], [20, 25, 25].map(seconds));
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_told_at_once() {
    let limiter = limiter(Limits::new().with_pause_max(seconds(60)).with_concurrency(2));
    let inner = Planned::new([
        Answer::new().wait(seconds(2)).fails(busy(Some(seconds(100)))),
        Answer::new().wait(seconds(100)).piece("Rome.").end(),
        Answer::text("Rome."),
    ]);
    let provider = limit(&inner, &limiter);
    let asked = request("Where?");
    // One that waits in the line when it becomes known, and one that comes later.
    let late = async {
        tokio::time::sleep(seconds(12)).await;
        provider.call(&asked).await
    };
    let began = Instant::now();
    let (_, _, waiting, late) =
        tokio::join!(read(&provider, &asked), read(&provider, &asked), provider.call(&asked), late);
    for (refused, left) in [(waiting, 100), (late, 90)] {
        let error = refused.err().expect("it is refused");
        assert!(matches!(error, ProviderError::RateLimited { .. }), "{error:?}");
        assert_eq!(error.retry_after(), Some(seconds(left)));
    }
    assert_eq!((began.elapsed(), limiter.waiting()), (seconds(100), 0));
    read(&provider, &asked).await;
    assert_eq!(inner.times()[2..], [seconds(102)], "two seconds can be waited for");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_limits_nobody_waits() {
    let limiter = Limiter::new(Limits::new()).expect("nothing is 0");
    let inner = Planned::new((0..1_000).map(|_| Answer::text("Rome.")));
    let provider = limit(&inner, &limiter);
    let asked = request("Where?");
    join_all((0..1_000).map(|_| read(&provider, &asked))).await;
    advance(Duration::ZERO).await;
    assert_eq!(inner.times()[999], Duration::ZERO);
}

#[test]
fn a_limiter_serves_whatever_runtime_its_users_have() {
    let runtime = || Builder::new_current_thread().enable_time().build().expect("a runtime");
    // What is used up comes back ten times a second, whichever runtime is there to see it.
    let limiter = limiter(Limits::new().with_requests_per_minute(600).with_concurrency(1));
    let answers = (0..602).map(|_| Answer::text("Rome."));
    let provider = limit(&Planned::new(answers), &limiter);
    let asked = request("Where?");
    let held = runtime().block_on(async {
        for _ in 0..600 {
            drop(provider.call(&asked).await);
        }
        provider.call(&asked).await
    });
    let other = runtime();
    let mut waiting = Box::pin(provider.call(&asked));
    assert!(other.block_on(async { waiting.as_mut().now_or_never() }).is_none());
    drop(held);
    assert!(other.block_on(waiting).is_ok());
}

#[test]
fn a_limit_that_lets_nothing_through_is_refused() {
    let new = Limits::new;
    for (limits, limit) in [
        (new().with_requests_per_minute(0), "requests per minute"),
        (new().with_input_tokens_per_minute(0), "input tokens per minute"),
        (new().with_output_tokens_per_minute(0), "output tokens per minute"),
        (new().with_tokens_per_minute(0), "tokens per minute"),
        (new().with_concurrency(0), "concurrency"),
    ] {
        assert_eq!(Limiter::new(limits).expect_err("it is 0"), InvalidLimit { limit });
    }
    let said = InvalidLimit { limit: "concurrency" }.to_string();
    assert_eq!(said, "the limit of concurrency is 0, it must be at least 1");
}
