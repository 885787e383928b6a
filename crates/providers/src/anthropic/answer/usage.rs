//! What an answer cost. The counts of a stream are totals so far; what is not said again still holds.

use branchwork_core::provider::Usage;
use serde::Deserialize;

use crate::loose::Count;

#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(super) struct WireUsage {
    /// Tokens read that are in no cache.
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    cache_creation_input_tokens: Count,
    #[serde(default)]
    cache_read_input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
    output_tokens_details: Option<Details>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct Details {
    #[serde(default)]
    thinking_tokens: Count,
}

impl WireUsage {
    /// This, and what only `before` said.
    pub(super) fn behind(self, before: Self) -> Self {
        let later = |count: Count, before: Count| Count(count.0.or(before.0));
        Self {
            input_tokens: later(self.input_tokens, before.input_tokens),
            cache_creation_input_tokens: later(
                self.cache_creation_input_tokens,
                before.cache_creation_input_tokens,
            ),
            cache_read_input_tokens: later(
                self.cache_read_input_tokens,
                before.cache_read_input_tokens,
            ),
            output_tokens: later(self.output_tokens, before.output_tokens),
            output_tokens_details: self.output_tokens_details.or(before.output_tokens_details),
        }
    }
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let (read, written) = (wire.cache_read_input_tokens.0, wire.cache_creation_input_tokens.0);
        let cached = read.unwrap_or_default().saturating_add(written.unwrap_or_default());
        Self {
            input_tokens: wire.input_tokens.0.map(|count| count.saturating_add(cached)),
            output_tokens: wire.output_tokens.0,
            cached_tokens: read,
            cache_write_tokens: written,
            reasoning_tokens: wire.output_tokens_details.unwrap_or_default().thinking_tokens.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> WireUsage {
        serde_json::from_str(json).expect("good usage")
    }

    #[test]
    fn counts_are_totals_and_what_is_read_includes_the_cache() {
        let start = read(
            r#"{"input_tokens":25,"cache_creation_input_tokens":10,"cache_read_input_tokens":5,
            "output_tokens":1,"service_tier":"standard"}"#,
        );
        let delta = read(r#"{"output_tokens":8,"output_tokens_details":{"thinking_tokens":3}}"#);
        let expected = Usage {
            input_tokens: Some(40),
            output_tokens: Some(8),
            cached_tokens: Some(5),
            cache_write_tokens: Some(10),
            reasoning_tokens: Some(3),
        };
        assert_eq!(Usage::from(delta.behind(start)), expected);
        let later = read(r#"{"input_tokens":40,"cache_read_input_tokens":7,"output_tokens":null}"#);
        let merged = Usage::from(later.behind(delta.behind(start)));
        assert_eq!((merged.input_tokens, merged.output_tokens), (Some(57), Some(8)));
        assert_eq!(Usage::from(read("{}")), Usage::default());
    }
}
