//! A line of a stream, or a whole answer: both have one form.

use branchwork_core::provider::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::loose::{Count, Text, len};

/// What a line says, as far as we read it.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) model: Text<'a>,
    #[serde(borrow)]
    pub(super) message: Option<Message<'a>>,
    pub(super) done: Option<bool>,
    #[serde(borrow, default)]
    pub(super) done_reason: Text<'a>,
    #[serde(default)]
    prompt_eval_count: Count,
    #[serde(default)]
    eval_count: Count,
    #[serde(borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) content: Text<'a>,
    #[serde(borrow, default)]
    pub(super) thinking: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<Call<'a>>>,
    #[serde(borrow)]
    pub(super) images: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
pub(super) struct Call<'a> {
    #[serde(borrow, default)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) function: Option<Function<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

impl Chunk<'_> {
    /// Bytes of it that are kept; the names of calls are counted with them.
    pub(super) fn bytes(&self) -> usize {
        self.message.as_ref().map_or(0, Message::bytes) + len(self.logprobs)
    }

    /// What was counted, if anything was.
    pub(super) fn usage(&self) -> Option<Usage> {
        let (input_tokens, output_tokens) = (self.prompt_eval_count.0, self.eval_count.0);
        let usage = Usage { input_tokens, output_tokens, ..Usage::default() };
        (usage != Usage::default()).then_some(usage)
    }
}

impl Message<'_> {
    fn bytes(&self) -> usize {
        let calls = self.tool_calls.as_deref().unwrap_or_default().iter();
        let functions = calls.filter_map(|call| call.function.as_ref());
        let arguments: usize = functions.map(|function| len(function.arguments)).sum();
        let images = self.images.as_deref().unwrap_or_default().iter();
        let images: usize = images.map(|image| image.get().len()).sum();
        self.content.0.len() + self.thinking.0.len() + arguments + images
    }
}
