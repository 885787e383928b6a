//! The prices of one time.

use std::collections::BTreeMap;

use super::Prices;
use crate::provider::Usage;

/// The prices that hold at one time: those of ordinary requests, and those of requests that read more
/// than some number of tokens. A long request costs its prices from the first token on.
///
/// ```
/// use branchwork_core::provider::{Prices, Tariff};
///
/// let tariff = Tariff::new(Prices::new(3_000_000, 15_000_000))
///     .with_above(200_000, Prices::new(6_000_000, 22_500_000));
/// assert_eq!(tariff.prices(200_000).input, 3_000_000);
/// assert_eq!(tariff.prices(200_001).input, 6_000_000);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    base: Prices,
    above: BTreeMap<u64, Prices>,
}

impl Tariff {
    /// The same prices for every request.
    pub const fn new(prices: Prices) -> Self {
        Self { base: prices, above: BTreeMap::new() }
    }

    /// Lets requests that read more than `tokens` tokens cost `prices`.
    #[must_use]
    pub fn with_above(mut self, tokens: u64, prices: Prices) -> Self {
        self.above.insert(tokens, prices);
        self
    }

    /// The prices of a request that reads `tokens` tokens, the cached ones included.
    pub fn prices(&self, tokens: u64) -> &Prices {
        self.above.range(..tokens).next_back().map_or(&self.base, |(_, prices)| prices)
    }

    /// The prices of ordinary requests.
    pub const fn base(&self) -> &Prices {
        &self.base
    }

    /// Those of longer ones, with the number of tokens above which they hold; the lowest first.
    pub fn above(&self) -> impl Iterator<Item = (u64, &Prices)> {
        self.above.iter().map(|(tokens, prices)| (*tokens, prices))
    }

    /// The most that a call can cost that reads and writes so many tokens, in trillionths of a US dollar.
    pub fn most_pico_usd(&self, input: u64, output: u64) -> u64 {
        self.prices(input).most_pico_usd(input, output)
    }

    /// What a call with this usage costs, in trillionths of a US dollar; `None` when the provider did not
    /// count both what was read and what was written.
    pub fn pico_usd(&self, usage: &Usage) -> Option<u64> {
        self.prices(usage.input_tokens?).pico_usd(usage)
    }

    /// What a call with this usage costs, in US dollars.
    pub fn usd(&self, usage: &Usage) -> Option<f64> {
        self.pico_usd(usage).map(super::usd)
    }
}

impl From<Prices> for Tariff {
    fn from(prices: Prices) -> Self {
        Self::new(prices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_request_costs_the_prices_of_the_highest_bound_that_it_passes() {
        let at = |input| Prices::new(input, 0);
        let tariff = Tariff::new(at(1)).with_above(100, at(3)).with_above(10, at(2));
        let usage = |input_tokens| Usage {
            input_tokens,
            output_tokens: Some(7),
            cached_tokens: Some(5),
            ..Usage::default()
        };
        for (tokens, cost) in [(0, 0), (10, 10), (11, 22), (100, 200), (101, 303)] {
            assert_eq!(tariff.pico_usd(&usage(Some(tokens))), Some(cost), "{tokens} tokens");
        }
        assert_eq!(tariff.pico_usd(&usage(None)), None);
        assert_eq!(tariff.above().map(|(tokens, _)| tokens).collect::<Vec<_>>(), [10, 100]);
    }
}
