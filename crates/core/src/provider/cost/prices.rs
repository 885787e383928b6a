//! What tokens cost.

use super::usd;
use crate::provider::Usage;

/// What tokens cost, in millionths of a US dollar for a million tokens: $2.50 is `2_500_000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prices {
    /// Tokens that are read.
    pub input: u64,
    /// Tokens that are read from the provider's cache; where it is not known, they cost what others do.
    pub cached: Option<u64>,
    /// Tokens that are read and kept in the provider's cache; where it is not known, they cost what
    /// others do.
    pub cache_write: Option<u64>,
    /// Tokens that are written, thoughts included.
    pub output: u64,
}

impl Prices {
    /// Prices of tokens that are read and written, whatever a cache does.
    pub const fn new(input: u64, output: u64) -> Self {
        Self { input, cached: None, cache_write: None, output }
    }

    /// Lets tokens that are read from the provider's cache cost that.
    #[must_use]
    pub const fn with_cached(mut self, cached: u64) -> Self {
        self.cached = Some(cached);
        self
    }

    /// Lets tokens that are kept in the provider's cache cost that.
    #[must_use]
    pub const fn with_cache_write(mut self, cache_write: u64) -> Self {
        self.cache_write = Some(cache_write);
        self
    }

    /// The most that so many tokens read and written can cost, in trillionths of a US dollar: as if each was
    /// read at the highest of the prices for reading.
    pub fn most_pico_usd(&self, input: u64, output: u64) -> u64 {
        let prices = [Some(self.input), self.cached, self.cache_write];
        let highest = prices.into_iter().flatten().max().unwrap_or_default();
        input.saturating_mul(highest).saturating_add(output.saturating_mul(self.output))
    }

    /// What `usage` costs, in trillionths of a US dollar; `None` when the provider did not count both what
    /// was read and what was written.
    pub fn pico_usd(&self, usage: &Usage) -> Option<u64> {
        let (input, output) = (usage.input_tokens?, usage.output_tokens?);
        let cached = usage.cached_tokens.unwrap_or_default().min(input);
        let kept = usage.cache_write_tokens.unwrap_or_default().min(input - cached);
        let parts = [
            (input - cached - kept).saturating_mul(self.input),
            cached.saturating_mul(self.cached.unwrap_or(self.input)),
            kept.saturating_mul(self.cache_write.unwrap_or(self.input)),
            output.saturating_mul(self.output),
        ];
        Some(parts.into_iter().fold(0, u64::saturating_add))
    }

    /// What `usage` costs, in US dollars.
    pub fn usd(&self, usage: &Usage) -> Option<f64> {
        self.pico_usd(usage).map(usd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_token_has_its_price_and_unknown_is_not_nothing() {
        let prices = Prices::new(2_500_000, 10_000_000).with_cached(1_250_000);
        let usage = Usage {
            input_tokens: Some(1_000_000),
            output_tokens: Some(100),
            cached_tokens: Some(400_000),
            cache_write_tokens: Some(200_000),
            reasoning_tokens: Some(50),
        };
        let expected = 1_500_000_000_000 + 500_000_000_000 + 1_000_000_000;
        assert_eq!(prices.pico_usd(&usage), Some(expected));
        assert_eq!(prices.usd(&usage), Some(2.001));
        assert_eq!(prices.pico_usd(&Usage { output_tokens: None, ..usage }), None);

        // What goes into the cache costs more where that is known.
        let prices = prices.with_cache_write(3_125_000);
        assert_eq!(prices.pico_usd(&usage), Some(expected + 200_000 * (3_125_000 - 2_500_000)));
        assert_eq!(prices.most_pico_usd(1_000, 10), 1_000 * 3_125_000 + 10 * 10_000_000);
        let plain = Prices::new(2_500_000, 10_000_000);
        assert_eq!(plain.most_pico_usd(1_000, 0), 1_000 * 2_500_000);
        assert_eq!(plain.usd(&usage), Some(2.501), "no cache is cheaper that nobody knows of");
    }

    #[test]
    fn counts_that_contradict_each_other_cost_no_more_than_all_that_was_read() {
        let prices = Prices::new(1, 0).with_cached(1).with_cache_write(1);
        let usage = Usage {
            input_tokens: Some(10),
            output_tokens: Some(0),
            cached_tokens: Some(8),
            cache_write_tokens: Some(8),
            reasoning_tokens: None,
        };
        assert_eq!(prices.pico_usd(&usage), Some(10));
        let huge = Prices::new(u64::MAX, u64::MAX).pico_usd(&usage);
        assert_eq!(huge, Some(u64::MAX), "it stays at the end of what can be counted");
    }
}
