//! What tokens of a model cost.

use super::Usage;

/// Trillionths of a dollar in a dollar.
const PICO: f64 = 1e12;

/// What tokens cost, in millionths of a US dollar for a million tokens: $2.50 is `2_500_000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Tokens that are read.
    pub input: u64,
    /// Tokens that are read from the provider's cache.
    pub cached: u64,
    /// Tokens that are written, thoughts included.
    pub output: u64,
}

impl Prices {
    /// What `usage` costs, in trillionths of a US dollar; `None` when the provider did not count both what
    /// was read and what was written.
    pub fn pico_usd(&self, usage: &Usage) -> Option<u64> {
        let (input, output) = (usage.input_tokens?, usage.output_tokens?);
        let cached = usage.cached_tokens.unwrap_or_default().min(input);
        let parts = [
            (input - cached).saturating_mul(self.input),
            cached.saturating_mul(self.cached),
            output.saturating_mul(self.output),
        ];
        Some(parts.into_iter().fold(0, u64::saturating_add))
    }

    /// What `usage` costs, in US dollars.
    #[expect(clippy::cast_precision_loss, reason = "it is shown, not added up")]
    pub fn usd(&self, usage: &Usage) -> Option<f64> {
        self.pico_usd(usage).map(|pico| pico as f64 / PICO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_token_has_its_price_and_unknown_is_not_nothing() {
        let prices = Prices { input: 2_500_000, cached: 1_250_000, output: 10_000_000 };
        let usage = Usage {
            input_tokens: Some(1_000_000),
            output_tokens: Some(100),
            cached_tokens: Some(400_000),
            cache_write_tokens: None,
            reasoning_tokens: Some(50),
        };
        let expected = 1_500_000_000_000 + 500_000_000_000 + 1_000_000_000;
        assert_eq!(prices.pico_usd(&usage), Some(expected));
        assert_eq!(prices.usd(&usage), Some(2.001));
        assert_eq!(prices.pico_usd(&Usage { output_tokens: None, ..usage }), None);
    }
}
