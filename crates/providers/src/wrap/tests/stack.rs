//! Wrappers around each other.

use std::sync::Arc;

use branchwork_core::provider::Provider;

use super::support::{Answer, Planned, SECOND, busy, down, read, request, seconds};
use crate::wrap::{
    Breaker, Cache, CacheOptions, Circuit, CircuitOptions, Fallback, Jitter, Limiter, Limits,
    RateLimit, Retry, RetryOptions, Stack, TimeoutOptions, Timeouts,
};

fn limiter(limits: Limits) -> Limiter {
    Limiter::new(limits).expect("nothing is 0")
}

fn retry() -> RetryOptions {
    RetryOptions::new().with_jitter(Jitter::seeded(7))
}

#[tokio::test(start_paused = true)]
async fn what_is_rendered_and_the_models_pass_through() {
    let inner = || Planned::new([]) as Arc<dyn Provider>;
    let whole = Stack::over(inner())
        .with_timeouts(TimeoutOptions::new())
        .with_limiter(limiter(Limits::new()))
        .with_circuit(Circuit::default())
        .with_retry(retry())
        .with_cache(CacheOptions::new())
        .with_fallback(Planned::named("other", []), None);
    let wrapped: [Arc<dyn Provider>; 8] = [
        Arc::new(Retry::new(inner(), retry())),
        Arc::new(RateLimit::new(inner(), limiter(Limits::new()))),
        Arc::new(Timeouts::new(inner(), TimeoutOptions::new())),
        Arc::new(Fallback::new(inner())),
        Arc::new(Breaker::new(inner(), Circuit::default())),
        Arc::new(Cache::new(inner(), CacheOptions::new())),
        Stack::over(inner()).build(),
        whole.build(),
    ];
    let request = request("Where?");
    for provider in wrapped {
        let (ours, theirs) = (provider.render(&request), inner().render(&request));
        assert_eq!(ours.unwrap(), theirs.unwrap(), "{provider:?}");
        assert_eq!(provider.models().await.unwrap(), inner().models().await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn each_try_takes_its_turn_and_its_time() {
    // One call at a time: while the one waits to be made anew, the other has its turn.
    let inner = Planned::new([
        Answer::refusal(down()),
        Answer::new().wait(seconds(2)).piece("Oslo.").end(),
        Answer::later(seconds(10)),
        Answer::text("Rome."),
    ]);
    let limiter = limiter(Limits::new().with_concurrency(1));
    let provider = Stack::over(Arc::clone(&inner) as _)
        .with_retry(retry().with_wait_first(SECOND))
        .with_timeouts(TimeoutOptions::new().with_first_token(seconds(5)))
        .with_limiter(limiter.clone())
        .build();
    let (one, other) = (request("one"), request("other"));
    let (first, second) = tokio::join!(read(&*provider, &one), read(&*provider, &other));
    assert_eq!(second, ["started tiny", "Oslo.", "stop"]);
    let retries: Vec<_> = first.iter().filter(|line| line.starts_with("retried")).collect();
    assert_eq!(retries.len(), 2, "{first:?}");
    assert!(retries[1].ends_with("no first token came within 5s"), "{first:?}");
    let times = inner.times();
    assert_eq!(times[2], seconds(2), "the turn of the retry");
    assert!(times[3] >= seconds(7), "its time is not that of the wait for its turn: {times:?}");
    assert_eq!((limiter.active(), limiter.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_waited_for_or_passed_by() {
    let opened = || CircuitOptions::new().with_failures(1).with_cool_down(seconds(20));
    let near = Planned::new([Answer::refusal(down()), Answer::text("Rome.")]);
    let provider = Stack::over(Arc::clone(&near) as _)
        .with_circuit(Circuit::new(opened()))
        .with_retry(retry())
        .build();
    let came = read(&*provider, &request("Where?")).await;
    assert_eq!(came[came.len() - 3], "Rome.", "{came:?}");
    assert!(near.times()[1] >= seconds(20));
    assert!(came[1].contains("not asked, as it failed 1 times in a row"), "{came:?}");

    let near = Planned::new([Answer::refusal(down())]);
    let far = Planned::named("far", [Answer::text("Oslo."), Answer::text("Oslo.")]);
    let provider = Stack::over(Arc::clone(&near) as _)
        .with_circuit(Circuit::new(opened()))
        .with_fallback(Arc::clone(&far) as _, None)
        .with_fallback_name("far")
        .build();
    for _ in 0..2 {
        let came = read(&*provider, &request("Where?")).await;
        assert_eq!((came[1].as_str(), came[3].as_str()), ("rerouted to far:tiny", "Oslo."));
    }
    assert_eq!((near.calls(), far.calls()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_passed_by_at_once_where_another_can_be_asked() {
    let near = Planned::new([Answer::refusal(down()), Answer::refusal(down())]);
    let far = Planned::named("far", (0..3).map(|_| Answer::text("Oslo.")));
    let circuit = CircuitOptions::new().with_failures(2).with_cool_down(seconds(20));
    let provider = Stack::over(Arc::clone(&near) as _)
        .with_circuit(Circuit::new(circuit))
        .with_retry(retry().with_wait_first(SECOND))
        .with_fallback(Arc::clone(&far) as _, None)
        .build();
    // The first call is made anew until the circuit opens; the next ones are not made at all.
    for _ in 0..3 {
        let came = read(&*provider, &request("Where?")).await;
        assert!(came.contains(&"Oslo.".to_owned()), "{came:?}");
    }
    assert_eq!((near.calls(), far.calls()), (2, 3));
    assert!(near.began.elapsed() < seconds(2), "{:?}", near.began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_known_needs_no_turn() {
    let inner = Planned::new([Answer::text("Rome."), Answer::refusal(busy(Some(seconds(600))))]);
    let limiter = limiter(Limits::new().with_requests_per_minute(2));
    let provider = Stack::over(Arc::clone(&inner) as _)
        .with_limiter(limiter)
        .with_cache(CacheOptions::new())
        .with_retry(retry())
        .build();
    read(&*provider, &request("Where?")).await;
    read(&*provider, &request("Why?")).await;
    for _ in 0..10 {
        assert_eq!(read(&*provider, &request("Where?")).await[1], "Rome.");
    }
    assert_eq!((inner.calls(), inner.began.elapsed()), (2, std::time::Duration::ZERO));
}
