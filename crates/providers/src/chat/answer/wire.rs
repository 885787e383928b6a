//! The rare parts of what servers send: tool calls and usage.

use branchwork_core::provider::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::loose::{Count, Text};

#[derive(Deserialize)]
pub(super) struct CallDelta<'a> {
    #[serde(default)]
    pub(super) index: Count,
    #[serde(borrow, default)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) function: Option<FunctionDelta<'a>>,
}

impl CallDelta<'_> {
    /// Bytes of arguments, as JSON.
    pub(super) fn arguments_len(&self) -> usize {
        let arguments = self.function.as_ref().and_then(|function| function.arguments);
        arguments.map_or(0, |arguments| arguments.get().len())
    }
}

#[derive(Deserialize, Default)]
pub(super) struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
    /// Text by the protocol, an object by some servers.
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// Where Groq puts the usage.
#[derive(Deserialize)]
pub(super) struct Groq {
    pub(super) usage: Option<WireUsage>,
}

#[derive(Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    prompt_tokens: Count,
    #[serde(default)]
    completion_tokens: Count,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
    /// Where `DeepSeek` counts what came from its cache.
    #[serde(default)]
    prompt_cache_hit_tokens: Count,
}

#[derive(Deserialize, Default, Clone, Copy)]
struct Details {
    #[serde(default)]
    cached_tokens: Count,
    #[serde(default)]
    reasoning_tokens: Count,
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let cached = wire.prompt_tokens_details.unwrap_or_default().cached_tokens.0;
        Self {
            input_tokens: wire.prompt_tokens.0,
            output_tokens: wire.completion_tokens.0,
            cached_tokens: cached.or(wire.prompt_cache_hit_tokens.0),
            cache_write_tokens: None,
            reasoning_tokens: wire.completion_tokens_details.unwrap_or_default().reasoning_tokens.0,
        }
    }
}
