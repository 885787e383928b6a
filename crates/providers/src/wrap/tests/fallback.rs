//! Who is asked when the first cannot answer.

use std::sync::Arc;

use async_trait::async_trait;
use branchwork_core::provider::{
    EventStream, ModelInfo, ModelRequest, Provider, ProviderError, ProviderEvent, RenderedRequest,
};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::support::{
    Answer, Planned, SECOND, busy, cut, down, garbled, invalid, read, refused, request, seconds,
    tell, too_long,
};
use crate::wrap::{Fallback, Jitter, Retry, RetryOptions};

fn chain(first: &Arc<Planned>, second: &Arc<Planned>) -> Fallback {
    Fallback::new(Arc::clone(first) as _).with(Arc::clone(second) as _, Some("small"))
}

/// How many calls the second one gets when the first one answers so.
async fn passed_on(answer: Answer, with: fn(Fallback) -> Fallback) -> usize {
    let first = Planned::new([answer]);
    let second = Planned::named("second", [Answer::text("Oslo.")]);
    read(&with(chain(&first, &second)), &request("Where?")).await;
    second.calls()
}

#[tokio::test(start_paused = true)]
async fn the_next_one_is_asked_for_its_own_model_and_named_when_it_answers() {
    let unnamed = ProviderEvent::Started { model: None, response_id: None };
    let first = Planned::new([Answer::refusal(down())]);
    let second = Planned::named("second", [Answer::new().fails(refused())]);
    let third = [Answer::later(SECOND).says(unnamed).piece("Oslo.").used(3, 2).end()];
    let third = Planned::named("third", third);
    let provider = chain(&first, &second).with(Arc::clone(&third) as Arc<dyn Provider>, None);
    let provider = provider.named("third");
    let came = read(&provider, &request("Where?")).await;
    let expected = [
        "retried 1 after 0ns: the provider is unavailable: overloaded",
        "rerouted to fallback:small",
        "started tiny",
        "retried 2 after 0ns: the provider refused the credentials: who are you",
        "rerouted to third:tiny",
        "started tiny",
        "Oslo.",
        "usage 3 2 - -",
        "stop",
    ];
    assert_eq!(came, expected);
    let asked = [&first, &second, &third].map(|provider| provider.models_asked());
    assert_eq!(asked, [["tiny"], ["small"], ["tiny"]]);
    // The request is rendered in the words of the first.
    assert_eq!(provider.render(&request("Where?")).unwrap().url, "planned:");
}

#[tokio::test(start_paused = true)]
async fn a_chain_goes_on_for_what_another_can_mend() {
    let same = |chain| chain;
    for (error, calls) in [
        (down(), 1),
        (busy(None), 1),
        (busy(Some(seconds(1_000))), 1),
        (refused(), 1),
        (cut(), 1),
        (garbled(), 1),
        (invalid(), 0),
        (too_long(), 0),
    ] {
        let line = format!("{error:?}");
        assert_eq!(passed_on(Answer::refusal(error), same).await, calls, "{line}");
    }
    assert_eq!(passed_on(Answer::new().fails(cut()), same).await, 1);
    assert_eq!(passed_on(Answer::text("Rome."), same).await, 0);
    let said = Answer::new().piece("Ro").fails(cut());
    assert_eq!(passed_on(said, same).await, 0, "something was said");
}

#[tokio::test(start_paused = true)]
async fn which_errors_these_are_can_be_said() {
    let longer = |chain: Fallback| {
        chain.when(|error| Fallback::mends(error) || matches!(error, ProviderError::TooLong { .. }))
    };
    assert_eq!(passed_on(Answer::refusal(too_long()), longer).await, 1);
    assert_eq!(passed_on(Answer::refusal(invalid()), longer).await, 0);
    let never = |chain: Fallback| chain.when(|_| false);
    assert_eq!(passed_on(Answer::refusal(down()), never).await, 0);
}

/// Says the same, whatever it is asked.
#[derive(Debug)]
struct Fluent(Arc<Planned>);

#[async_trait]
impl Provider for Fluent {
    fn render(&self, _request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        self.0.render(&request("Where?"))
    }

    async fn send(
        &self,
        _request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        self.0.send(&request("Where?"), rendered).await
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        self.0.models().await
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_error_counts_and_one_that_lacks_the_words_is_passed_over() {
    let first = Planned::new([Answer::refusal(down())]);
    let second = Planned::named("second", [Answer::refusal(invalid())]);
    let came = read(&chain(&first, &second), &request("Where?")).await;
    assert_eq!(came[1..], ["error: the provider refused the request: what is this"]);

    let first = Planned::new([Answer::refusal(down())]);
    let second = Planned::named("second", []);
    // The first one has words for everything, the second one does not, and so it is not asked.
    let fluent = Fallback::new(Arc::new(Fluent(first))).with(Arc::clone(&second) as _, None);
    let came = read(&fluent, &request("unspeakable")).await;
    assert_eq!(came, ["error: the provider is unavailable: overloaded"]);
    assert_eq!(second.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_providers_that_retry_counts_all_tries() {
    let options = || RetryOptions::new().with_jitter(Jitter::seeded(7)).with_retries_max(1);
    let failing = || Answer::new().used(10, 1).fails(cut());
    let first = Planned::new([failing(), failing()]);
    let second = Planned::named("second", [failing(), Answer::text("Oslo.")]);
    let second = Arc::new(Retry::new(second as _, options()));
    let first = Arc::new(Retry::new(first as _, options()));
    let came = read(&Fallback::new(first).with(second, None), &request("Where?")).await;
    let numbers = came.iter().filter_map(|line| line.strip_prefix("retried ")?.split(' ').next());
    assert_eq!(numbers.collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(came[came.len() - 2], "usage 40 8 - -", "{came:?}");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_hangs_up_and_asks_nobody_else() {
    let first = Planned::new([Answer::refusal(down()), Answer::later(seconds(9))]);
    let second = Planned::named("second", [Answer::later(seconds(9))]);
    let provider = chain(&first, &second);
    let asked = request("Where?");
    let mut events = provider.call(&asked).await.expect("another one is asked");
    assert!(tell(&events.next().await.expect("it is told")).starts_with("retried 1"));
    assert!(timeout(SECOND, events.next()).await.is_err());
    drop(events);
    assert!(timeout(SECOND, provider.call(&asked)).await.is_err());
    assert_eq!((first.dropped(), second.dropped()), (1, 1));
    assert_eq!((first.calls(), second.calls()), (2, 1));
}
