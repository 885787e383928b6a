//! What calls cost: by the prices of the time, of the model, and of what was kept in a cache.

use std::{sync::Arc, time::Duration};

use branchwork::{
    core::{
        clock::Timestamp,
        provider::{Finish, PriceBook, PriceList, Prices, ProviderEvent, Tariff, Usage},
        store::MemoryStore,
    },
    usage::UsageBy,
};
use branchwork_testkit::{Script, ScriptedProvider, TestClock};

use crate::support::{engine_at, session};

/// An answer of `model`, with what it used.
fn answered(model: Option<&str>, usage: Usage) -> Script {
    let model = model.map(str::to_owned);
    Script::new()
        .with_event(ProviderEvent::Started { model, response_id: None })
        .with_text("yes")
        .with_event(ProviderEvent::Usage(usage))
        .with_event(ProviderEvent::Finished(Finish::Stop))
}

fn read(input: u64) -> Usage {
    Usage { input_tokens: Some(input), output_tokens: Some(0), ..Usage::default() }
}

async fn costs(session: &branchwork::Session) -> Vec<Option<f64>> {
    session.calls().await.unwrap().iter().map(|call| call.call.cost_usd).collect()
}

#[tokio::test]
async fn a_call_costs_what_the_model_costs_at_its_time() {
    let (clock, day) = (Arc::new(TestClock::new()), Duration::from_hours(24));
    let engine = engine_at(Arc::new(MemoryStore::new()), Arc::clone(&clock));
    let provider = Arc::new(ScriptedProvider::answering(|_| answered(None, read(1_000_000))));
    let session =
        engine.session("trip").provider("lab", provider).model("tiny").create().await.unwrap();
    let main = session.default_branch();
    let start = Timestamp::default();
    clock.set(start);
    let later = |days: i64| Timestamp::from_micros(start.as_micros() + days * 86_400_000_000);
    let list = PriceList::default()
        .with_since(later(1), Prices::new(3_000_000, 0))
        .with_since(later(2), Tariff::new(Prices::new(1_000_000, 0)));
    engine.set_prices(PriceBook::new().with("lab", "tiny", list));
    for _ in 0..3 {
        main.chat("Is it?").await.unwrap();
        clock.advance(day);
    }
    assert_eq!(costs(&session).await, [None, Some(3.0), Some(1.0)]);
    // Other prices are those of later calls.
    engine.set_prices(PriceBook::new());
    main.chat("Is it?").await.unwrap();
    assert_eq!(costs(&session).await, [None, Some(3.0), Some(1.0), None]);
    let usage = main.usage().await.unwrap().own;
    assert_eq!((usage.cost_usd, usage.unknown_cost), (Some(4.0), 2));
}

#[tokio::test]
async fn the_model_that_was_asked_for_counts_then_the_one_that_answered() {
    let one = |model| answered(Some(model), read(1_000_000));
    let (session, _) = session([one("large"), one("tiny-2026-01-02"), one("nobody")]).await;
    let main = session.default_branch();
    let price = |dollars: u64| Prices::new(dollars * 1_000_000, 0);
    let book = PriceBook::new().with("local", "large", price(7));
    session.engine().set_prices(book.clone());
    main.chat("Is it?").await.unwrap();
    session.engine().set_prices(book.with("local", "tiny", price(2)));
    main.chat("Is it?").await.unwrap();
    session.engine().set_prices(PriceBook::new().with("elsewhere", "tiny", price(9)));
    main.chat("Is it?").await.unwrap();
    assert_eq!(costs(&session).await, [Some(7.0), Some(2.0), None]);
}

#[tokio::test]
async fn what_a_cache_gives_and_takes_has_its_own_prices_and_sums_are_exact() {
    let usage =
        Usage { cached_tokens: Some(100_000), cache_write_tokens: Some(100_000), ..read(300_000) };
    let (session, _) = session((0..4).map(|_| answered(None, usage))).await;
    let main = session.default_branch();
    let prices = Prices::new(1_000_000, 0);
    for prices in [
        prices,
        prices.with_cached(0),
        prices.with_cache_write(2_000_000),
        prices.with_cached(100_000).with_cache_write(2_000_000),
    ] {
        session.engine().set_prices(PriceBook::new().with("local", "tiny", prices));
        main.chat("Is it?").await.unwrap();
    }
    assert_eq!(costs(&session).await, [Some(0.3), Some(0.2), Some(0.4), Some(0.31)]);
    let total = main.usage().await.unwrap().own.cost_usd;
    assert_eq!(total, Some(1.21), "and no error of adding up");
}

#[tokio::test]
async fn a_call_whose_tokens_nobody_counted_costs_nobody_knows_what() {
    let half = Usage { input_tokens: Some(5), ..Usage::default() };
    let uncounted =
        Script::new().with_text("yes").with_event(ProviderEvent::Finished(Finish::Stop));
    let (session, _) = session([answered(None, half), uncounted]).await;
    let book = PriceBook::new().with("local", "tiny", Prices::new(1, 1));
    session.engine().set_prices(book);
    let main = session.default_branch();
    main.chat("Is it?").await.unwrap();
    main.chat("Is it?").await.unwrap();
    assert_eq!(costs(&session).await, [None, None]);
}

#[tokio::test]
async fn what_caches_saved_is_told_at_the_prices_of_the_time() {
    let cached = |cached, written| Usage {
        input_tokens: Some(1_000),
        output_tokens: Some(10),
        cached_tokens: Some(cached),
        cache_write_tokens: Some(written),
        ..Usage::default()
    };
    let answers = [cached(0, 800), cached(800, 0)].map(|usage| answered(None, usage));
    let (session, _) = session(answers).await;
    let main = session.default_branch();
    main.chat("Where?").await.unwrap();
    let fork = main.fork("fork").await.unwrap();
    fork.chat("And?").await.unwrap();
    let engine = session.engine();
    let unknown = engine.savings(UsageBy::Session).await.unwrap();
    assert_eq!((unknown[0].savings.saved_usd, unknown[0].savings.unknown_prices), (None, 2));
    // A dollar for a million that are read, 0.1 from the cache, 1.25 into it.
    let prices = Prices::new(1_000_000, 0).with_cached(100_000).with_cache_write(1_250_000);
    engine.set_prices(PriceBook::new().with("local", "tiny", prices));
    let rows = engine.savings(UsageBy::Branch).await.unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let savings = &row.savings;
            let (cached, written) = (savings.cached_tokens, savings.cache_write_tokens);
            (row.key.as_str(), cached, written, savings.saved_usd)
        })
        .collect();
    assert_eq!(
        told,
        [("trip@fork", 800, 0, Some(0.000_72)), ("trip@main", 0, 800, Some(-0.000_2))]
    );
}

#[tokio::test]
async fn a_call_during_which_prices_change_is_counted_at_those_it_began_with() {
    let (clock, hour) = (Arc::new(TestClock::new()), Duration::from_hours(1));
    let engine = engine_at(Arc::new(MemoryStore::new()), Arc::clone(&clock));
    let slow = Arc::clone(&clock);
    let usage = Usage { cached_tokens: Some(800), ..read(1_000) };
    let provider = Arc::new(ScriptedProvider::answering(move |_| {
        slow.advance(hour);
        answered(None, usage)
    }));
    let session =
        engine.session("trip").provider("lab", provider).model("tiny").create().await.unwrap();
    let start = Timestamp::default();
    clock.set(start);
    let half = Timestamp::from_micros(start.as_micros() + 1_800_000_000);
    let list = PriceList::new(Prices::new(1_000_000, 0).with_cached(100_000))
        .with_since(half, Prices::new(9_000_000, 0));
    engine.set_prices(PriceBook::new().with("lab", "tiny", list));
    session.default_branch().chat("Is it?").await.unwrap();
    let call = session.calls().await.unwrap().remove(0);
    assert!(start <= call.asked_at() && call.asked_at() < half && half < call.at, "{call:?}");
    assert_eq!(call.call.cost_usd, Some(0.000_28));
    let rows = engine.savings(UsageBy::Session).await.unwrap();
    assert_eq!(rows[0].savings.saved_usd, Some(0.000_72));
}
