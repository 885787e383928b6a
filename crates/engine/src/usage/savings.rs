//! What the caches of providers saved.

use std::collections::BTreeMap;

use branchwork_core::{
    call::CallRecord,
    provider::{PriceBook, Tariff, Usage, add_usd, usd},
};

use super::{UsageBy, log::grouped_calls};
use crate::{engine::Engine, error::Result};

/// What was read from the prompt caches of providers, and what that saved.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Savings {
    /// Calls whose tokens were counted.
    pub calls: u64,
    /// Tokens read, the cached ones included.
    pub input_tokens: u64,
    /// Tokens read from a cache.
    pub cached_tokens: u64,
    /// Tokens that were put into a cache, as far as providers count them.
    pub cache_write_tokens: u64,
    /// What calls would have cost more without caches, less what it cost to fill them, in US dollars: below
    /// 0 when they cost more than they saved. `None` when no price is known.
    pub saved_usd: Option<f64>,
    /// Calls whose price is not known.
    pub unknown_prices: u64,
}

/// What was saved by one group of calls.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SavingsRow {
    /// The name of the group.
    pub key: String,
    /// What was saved.
    pub savings: Savings,
}

impl Savings {
    fn add(&mut self, usage: &Usage, tariff: Option<&Tariff>) {
        self.calls += 1;
        self.input_tokens += usage.input_tokens.unwrap_or_default();
        self.cached_tokens += usage.cached_tokens.unwrap_or_default();
        self.cache_write_tokens += usage.cache_write_tokens.unwrap_or_default();
        match tariff.and_then(|tariff| saved(usage, tariff)) {
            Some(saved) => {
                self.saved_usd = Some(add_usd(self.saved_usd.unwrap_or_default(), saved));
            }
            None => self.unknown_prices += 1,
        }
    }
}

/// What a call would have cost more without a cache.
fn saved(usage: &Usage, tariff: &Tariff) -> Option<f64> {
    let without = Usage { cached_tokens: None, cache_write_tokens: None, ..*usage };
    Some(add_usd(usd(tariff.pico_usd(&without)?), -usd(tariff.pico_usd(usage)?)))
}

impl Engine {
    /// What the caches of providers saved in every session, archived ones included, grouped and in order of
    /// the keys; at the [prices](Self::set_prices) that held when each call was made.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn savings(&self, by: UsageBy) -> Result<Vec<SavingsRow>> {
        let prices = self.prices();
        let mut rows: BTreeMap<String, Savings> = BTreeMap::new();
        for (key, call) in grouped_calls(self, by).await? {
            let savings = rows.entry(key).or_default();
            if let Some(usage) = &call.call.usage {
                savings.add(usage, tariff_of(&prices, &call));
            }
        }
        Ok(rows.into_iter().map(|(key, savings)| SavingsRow { key, savings }).collect())
    }
}

fn tariff_of<'p>(prices: &'p PriceBook, record: &CallRecord) -> Option<&'p Tariff> {
    let (provider, model) = record.call.billed();
    prices.tariff(provider, model, record.call.model.as_deref(), record.asked_at())
}
