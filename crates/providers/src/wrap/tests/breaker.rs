//! When a provider is left alone.

use std::{sync::Arc, time::Duration};

use branchwork_core::provider::{Provider as _, ProviderError};
use futures_util::StreamExt as _;
use tokio::time::{advance, timeout};

use super::support::{
    Answer, Planned, SECOND, busy, cut, down, garbled, invalid, read, refused, request, seconds,
    tell, too_long,
};
use crate::wrap::{Breaker, Circuit, CircuitOptions};

/// Opens after two failures in a row, for ten seconds.
fn circuit() -> Circuit {
    Circuit::new(CircuitOptions::new().with_failures(2).with_cool_down(seconds(10)))
}

fn breaker(inner: &Arc<Planned>, circuit: &Circuit) -> Breaker {
    Breaker::new(Arc::clone(inner) as _, circuit.clone())
}

/// The error of a call that is not made.
async fn refusal(provider: &Breaker) -> ProviderError {
    provider.call(&request("Where?")).await.err().expect("it is not asked")
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_again_and_again_is_left_alone_for_a_while() {
    let circuit = circuit();
    let inner = Planned::new([
        Answer::refusal(down()),
        Answer::new().piece("Ro").fails(cut()),
        Answer::text("Rome."),
    ]);
    let users = [breaker(&inner, &circuit), breaker(&inner, &circuit)];
    for user in &users {
        read(user, &request("Where?")).await;
    }
    advance(seconds(4)).await;
    for user in &users {
        let error = refusal(user).await;
        assert!(matches!(error, ProviderError::Unavailable { status: None, .. }), "{error:?}");
        assert_eq!(error.retry_after(), Some(seconds(6)));
        let said = "not asked, as it failed 2 times in a row: it is asked again in 6.0s";
        assert_eq!(error.detail(), said);
    }
    assert_eq!(inner.calls(), 2);
    advance(seconds(6)).await;
    assert_eq!(read(&users[0], &request("Where?")).await[1], "Rome.");
}

#[tokio::test(start_paused = true)]
async fn one_call_finds_out_and_the_others_do_not_wait_for_it() {
    let circuit = circuit();
    let slow = Answer::later(SECOND).wait(SECOND).piece("Rome.").wait(SECOND).end();
    let fine = Answer::text("Rome.");
    let inner = Planned::new([Answer::refusal(down()), Answer::refusal(down()), slow, fine]);
    let provider = breaker(&inner, &circuit);
    for _ in 0..2 {
        read(&provider, &request("Where?")).await;
    }
    advance(seconds(10)).await;
    let mut events = provider.call(&request("Where?")).await.expect("it finds out");
    let error = refusal(&provider).await;
    assert_eq!(error.retry_after(), None);
    let said =
        "not asked, as it failed 2 times in a row: one call finds out whether it answers again";
    assert_eq!(error.detail(), said);
    assert_eq!(tell(&events.next().await.expect("it answers")), "Rome.");
    // That it says something is enough; others need not wait for the end of the answer.
    read(&provider, &request("Where?")).await;
    assert_eq!(inner.calls(), 4);
    assert_eq!(tell(&events.next().await.expect("the end")), "stop");
}

#[tokio::test(start_paused = true)]
async fn one_that_still_fails_is_left_alone_again() {
    let circuit = circuit();
    let inner = Planned::new((0..4).map(|_| Answer::refusal(down())));
    let provider = breaker(&inner, &circuit);
    for _ in 0..2 {
        read(&provider, &request("Where?")).await;
    }
    for calls in [3, 4] {
        advance(seconds(10)).await;
        read(&provider, &request("Where?")).await;
        assert_eq!(refusal(&provider).await.retry_after(), Some(seconds(10)));
        assert_eq!(inner.calls(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn what_counts_as_a_failure() {
    // A failure before and a failure after: the circuit opens unless what came between was an answer.
    for (between, opens) in [
        (Answer::refusal(down()), true),
        (Answer::refusal(cut()), true),
        (Answer::new().fails(garbled()), true),
        (Answer::refusal(busy(Some(SECOND))), true),
        (Answer::text("Rome."), false),
        (Answer::refusal(refused()), false),
        (Answer::refusal(invalid()), false),
        (Answer::refusal(too_long()), false),
    ] {
        let line = format!("{between:?}");
        let answers = [Answer::refusal(down()), between, Answer::refusal(down())];
        let inner = Planned::new(answers.into_iter().chain([Answer::text("Rome.")]));
        let provider = breaker(&inner, &circuit());
        for _ in 0..4 {
            read(&provider, &request("Where?")).await;
        }
        assert_eq!(inner.calls() < 4, opens, "{line}");
    }
    // A limit of the rate alone opens nothing.
    let inner = Planned::new((0..5).map(|_| Answer::refusal(busy(None))));
    let provider = breaker(&inner, &circuit());
    for _ in 0..5 {
        read(&provider, &request("Where?")).await;
    }
    assert_eq!(inner.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_leaves_the_finding_out_to_the_next() {
    let circuit = circuit();
    let stuck = || Answer::later(seconds(100));
    let inner = Planned::new([
        Answer::refusal(down()),
        Answer::refusal(down()),
        stuck(),
        Answer::new().wait(seconds(100)),
        Answer::refusal(busy(None)),
        Answer::text("Rome."),
    ]);
    let provider = breaker(&inner, &circuit);
    let asked = request("Where?");
    for _ in 0..2 {
        read(&provider, &asked).await;
    }
    advance(seconds(10)).await;
    assert!(timeout(SECOND, provider.call(&asked)).await.is_err(), "dropped while it is asked");
    drop(provider.call(&asked).await.expect("it finds out"));
    assert_eq!(inner.dropped(), 2);
    // Nor does a limit of the rate say how it fares.
    read(&provider, &asked).await;
    assert_eq!(read(&provider, &asked).await[1], "Rome.");
}

#[tokio::test(start_paused = true)]
async fn a_call_from_before_tells_nothing_of_now() {
    let circuit = circuit();
    let inner = Planned::new([
        Answer::new().wait(seconds(5)).piece("Rome.").end(),
        Answer::refusal(down()),
        Answer::refusal(down()),
    ]);
    let provider = breaker(&inner, &circuit);
    let old = provider.call(&request("Where?")).await.expect("it is accepted");
    for _ in 0..2 {
        read(&provider, &request("Where?")).await;
    }
    assert_eq!(old.collect::<Vec<_>>().await.len(), 3, "it ends well");
    assert_eq!(refusal(&provider).await.retry_after(), Some(seconds(5)), "and changes nothing");
}

#[tokio::test(start_paused = true)]
async fn extremes_are_harmless() {
    let forever = CircuitOptions::new().with_failures(0).with_cool_down(Duration::MAX);
    let inner = Planned::new([Answer::refusal(down())]);
    let provider = breaker(&inner, &Circuit::new(forever));
    read(&provider, &request("Where?")).await;
    assert!(refusal(&provider).await.retry_after() > Some(seconds(1_000_000)));
}
