//! Calls, added up.

use branchwork_core::{
    call::ModelCall,
    provider::{Usage, add_usd},
};

/// Calls, added up. What a provider did not say is counted as unknown, never as 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Totals {
    /// Calls.
    pub calls: u64,
    /// Those that were answered to the end.
    pub succeeded: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were stopped.
    pub interrupted: u64,
    /// How often calls were tried again.
    pub retries: u64,
    /// Tokens read, the cached ones included.
    pub input_tokens: u64,
    /// Tokens written, the reasoning ones included.
    pub output_tokens: u64,
    /// Tokens read from a cache.
    pub cached_tokens: u64,
    /// Tokens read that providers now keep in their caches, as far as they count them.
    pub cache_write_tokens: u64,
    /// Tokens that models thought.
    pub reasoning_tokens: u64,
    /// Calls whose tokens nobody counted.
    pub unknown_tokens: u64,
    /// What is known of the cost, in US dollars; `None` when nothing is.
    pub cost_usd: Option<f64>,
    /// Calls whose cost is not known.
    pub unknown_cost: u64,
}

impl Totals {
    /// Adds a call.
    pub fn add(&mut self, call: &ModelCall) {
        self.calls += 1;
        match (&call.failure, &call.finish) {
            (Some(_), _) => self.failed += 1,
            (None, Some(_)) => self.succeeded += 1,
            (None, None) => self.interrupted += 1,
        }
        self.retries += u64::from(call.retries);
        match call.usage {
            Some(usage) => self.add_tokens(usage),
            None => self.unknown_tokens += 1,
        }
        match call.cost_usd {
            Some(cost) => self.cost_usd = Some(add_usd(self.cost_usd.unwrap_or_default(), cost)),
            None => self.unknown_cost += 1,
        }
    }

    fn add_tokens(&mut self, usage: Usage) {
        let Usage {
            input_tokens,
            output_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
        } = usage;
        self.input_tokens += input_tokens.unwrap_or_default();
        self.output_tokens += output_tokens.unwrap_or_default();
        self.cached_tokens += cached_tokens.unwrap_or_default();
        self.cache_write_tokens += cache_write_tokens.unwrap_or_default();
        self.reasoning_tokens += reasoning_tokens.unwrap_or_default();
        if input_tokens.is_none() && output_tokens.is_none() {
            self.unknown_tokens += 1;
        }
    }
}
