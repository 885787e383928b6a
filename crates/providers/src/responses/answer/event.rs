//! Events of a stream, and whole answers, as far as we read them.

use branchwork_core::provider::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::loose::{Count, Text};

/// One event: events of all types have one form, in which most fields are missing.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    /// The place of the item in the answer.
    pub(super) output_index: Count,
    /// The place of the part in its item.
    pub(super) content_index: Count,
    pub(super) summary_index: Count,
    #[serde(borrow)]
    pub(super) item_id: Text<'a>,
    /// The next piece of what the type says.
    #[serde(borrow)]
    pub(super) delta: Text<'a>,
    /// All of a text.
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    /// All of a refusal.
    #[serde(borrow)]
    pub(super) refusal: Text<'a>,
    /// All of the arguments of a call.
    #[serde(borrow)]
    pub(super) arguments: Text<'a>,
    #[serde(borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// An answer as a whole, or as far as it is.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow)]
    pub(super) output: Option<Vec<&'a RawValue>>,
    pub(super) usage: Option<WireUsage>,
    #[serde(borrow)]
    pub(super) incomplete_details: Option<Incomplete<'a>>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// Why an answer is not whole.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Incomplete<'a> {
    #[serde(borrow)]
    pub(super) reason: Text<'a>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let input = wire.input_tokens_details.unwrap_or_default();
        Self {
            input_tokens: wire.input_tokens.0,
            output_tokens: wire.output_tokens.0,
            cached_tokens: input.cached_tokens.0,
            cache_write_tokens: input.cache_write_tokens.0,
            reasoning_tokens: wire.output_tokens_details.unwrap_or_default().reasoning_tokens.0,
        }
    }
}
