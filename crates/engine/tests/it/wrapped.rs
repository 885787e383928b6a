//! Turns whose provider has something around it: what is logged, counted and shown of them.

use std::{sync::Arc, time::Duration};

use branchwork::{
    Engine, Session, TurnEvent,
    core::{
        provider::{Finish, PriceBook, Prices, Provider, ProviderError, ProviderEvent, Usage},
        tokens::Basis,
    },
    providers::wrap::{CacheOptions, Fallback, RetryOptions, Stack},
    usage::UsageBy,
};
use branchwork_testkit::{Script, ScriptedProvider};
use futures_util::StreamExt as _;

use crate::support::texts;

async fn session(provider: Arc<dyn Provider>) -> Session {
    let engine = Engine::in_memory();
    engine.session("trip").provider("local", provider).model("tiny").create().await.unwrap()
}

fn used(script: Script, input: u64, output: u64) -> Script {
    let usage =
        Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() };
    script.with_event(ProviderEvent::Usage(usage))
}

fn scripts(scripts: impl IntoIterator<Item = Script>) -> Arc<ScriptedProvider> {
    let provider = Arc::new(ScriptedProvider::new());
    scripts.into_iter().for_each(|script| provider.push(script));
    provider
}

#[tokio::test]
async fn a_call_that_is_made_anew_is_told_logged_and_paid_for_once() {
    let cut = ProviderError::Truncated { source: None };
    let broken = used(Script::new().with_start().with_text("Os"), 30, 2).with_error(cut);
    let whole = used(Script::new().with_start().with_text("Rome."), 30, 5);
    let provider = scripts([broken, whole.with_event(ProviderEvent::Finished(Finish::Stop))]);
    let options = RetryOptions::new().with_wait_first(Duration::ZERO).after_first_token(true);
    let session = session(Stack::over(provider).with_retry(options).build()).await;
    let main = session.default_branch();
    let events: Vec<_> = main.chat("Where?").stream().map(Result::unwrap).collect().await;
    let retried = events.iter().position(|event| matches!(event, TurnEvent::Retried(_)));
    let second = events.iter().rposition(|event| matches!(event, TurnEvent::Text(_)));
    assert!(retried.is_some() && retried < second, "{events:?}");
    assert_eq!(texts(&main).await, ["Where?", "Rome."], "what came before does not count");
    let Some(TurnEvent::Completed(reply)) = events.last() else { panic!("{events:?}") };
    assert_eq!(reply.text, "Rome.");
    let calls = session.calls().await.unwrap();
    assert_eq!((calls.len(), calls[0].call.retries), (1, 1));
    let usage = calls[0].call.usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (Some(60), Some(7)),
        "both were paid for"
    );
    // How long the conversation is does not follow from that.
    let count = main.chat("Why?").count_tokens().await.unwrap();
    assert_eq!((count.tokens < 30, count.basis), (true, Basis::Estimated));
}

#[tokio::test]
async fn a_call_that_fails_for_good_is_logged_with_its_tries() {
    let down = || ProviderError::Unavailable {
        status: Some(503),
        retry_after: None,
        detail: "overloaded".to_owned(),
        source: None,
    };
    let provider = scripts([Script::refusal(down()), Script::refusal(down())]);
    let options = RetryOptions::new().with_wait_first(Duration::ZERO).with_retries_max(1);
    let session = session(Stack::over(provider).with_retry(options).build()).await;
    let main = session.default_branch();
    main.chat("Where?").await.unwrap_err();
    let calls = session.calls().await.unwrap();
    assert_eq!(calls[0].call.retries, 1);
    assert_eq!(calls[0].call.failure.as_ref().unwrap().detail, "overloaded");
}

#[tokio::test]
async fn branches_that_ask_the_same_are_answered_once_and_one_of_them_pays() {
    let rome = used(Script::new().with_start().with_text("Rome."), 30, 5);
    let provider = scripts([rome.with_event(ProviderEvent::Finished(Finish::Stop))]);
    let cached = Stack::over(Arc::clone(&provider) as _).with_cache(CacheOptions::new()).build();
    let session = session(cached).await;
    let main = session.default_branch();
    for (name, read) in [("one", 30), ("other", 0)] {
        let fork = main.fork(name).await.unwrap();
        assert_eq!(fork.chat("Where?").await.unwrap().text, "Rome.");
        let last = session.calls().await.unwrap().pop().unwrap();
        assert_eq!(last.call.usage.unwrap().input_tokens, Some(read));
        let count = fork.chat("Why?").count_tokens().await.unwrap();
        assert!(count.tokens > 10, "an answer that was known measures nothing: {count:?}");
    }
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_of_another_provider_costs_what_that_one_takes() {
    let down = || {
        let detail = "overloaded".to_owned();
        ProviderError::Unavailable { status: Some(503), retry_after: None, detail, source: None }
    };
    let answer = || {
        let said = used(Script::new().with_start().with_text("Rome."), 1_000_000, 0);
        said.with_event(ProviderEvent::Finished(Finish::Stop))
    };
    let far = || scripts([Script::refusal(down()), answer()]);
    let again = || RetryOptions::new().with_wait_first(Duration::ZERO);
    let far = || Stack::over(far()).with_retry(again()).build();
    let chain = || Fallback::new(scripts([Script::refusal(down())])).with(far(), Some("large"));
    for (provider, cost, key) in [
        (chain().named("far"), Some(7.0), "far:large"),
        // Nobody knows what one without a name takes; it is not what the first one would have taken.
        (chain(), None, "fallback:large"),
    ] {
        let session = session(Arc::new(provider)).await;
        let prices = PriceBook::new().with("local", "tiny", Prices::new(2_000_000, 0));
        session.engine().set_prices(prices.with("far", "large", Prices::new(7_000_000, 0)));
        session.default_branch().chat("Where?").await.unwrap();
        let call = session.calls().await.unwrap().swap_remove(0).call;
        assert_eq!((call.request.provider.as_str(), call.retries), ("local", 2));
        let row = session.call_rows().await.unwrap().swap_remove(0);
        assert_eq!(row.rerouted_to.as_deref(), Some(key));
        assert_eq!(call.cost_usd, cost);
        let rows = session.engine().usage(UsageBy::Model).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), [key]);
    }
}
