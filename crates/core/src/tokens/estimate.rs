//! Estimates, where nobody counted.

use serde_json::Value;

use super::Tokenizer;
use crate::{
    message::{Body, Message, Part},
    provider::ToolSpec,
};

/// ASCII letters of a token: English text and code have 3.5 to 4.5 with the tokenizers of today.
const ASCII_PER_TOKEN: u64 = 4;

/// Tokens that a message has beside its text: its role and what sets it apart.
const MESSAGE_TOKENS: u64 = 4;

/// Tokens of a picture or a file, whose size in tokens only the provider knows.
const ATTACHMENT_TOKENS: u64 = 1_000;

/// Estimates tokens from letters: a quarter for each of ASCII, one for each other.
#[derive(Debug)]
pub(super) struct Letters;

impl Tokenizer for Letters {
    fn count(&self, text: &str) -> u64 {
        let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
        let letters = text.bytes().filter(|byte| !byte.is_ascii() && *byte >= 0xC0).count() as u64;
        ascii.div_ceil(ASCII_PER_TOKEN) + letters
    }
}

/// The tokens of a message, its texts counted by `tokenizer`.
pub(super) fn message(message: &Message, tokenizer: &dyn Tokenizer) -> u64 {
    let texts = match &message.body {
        Body::System { text } => tokenizer.count(text),
        Body::Instruction { parts: said, context } => {
            parts(said, tokenizer) + context.as_ref().map_or(0, |context| json(context, tokenizer))
        }
        Body::Response { parts: said } => parts(said, tokenizer),
        Body::ActionRequest { parts: said, calls } => {
            let calls = calls.iter().map(|call| {
                tokenizer.count(&call.function) + tokenizer.count(&call.arguments) + MESSAGE_TOKENS
            });
            parts(said, tokenizer) + calls.sum::<u64>()
        }
        Body::ActionResponse { outcome, .. } => tokenizer.count(&outcome.shown()),
    };
    texts + MESSAGE_TOKENS
}

/// The tokens of tools on offer.
pub(super) fn tools(specs: &[ToolSpec], tokenizer: &dyn Tokenizer) -> u64 {
    let tool = |spec: &ToolSpec| {
        let words = tokenizer.count(&spec.name) + tokenizer.count(&spec.description);
        words + json(&spec.parameters, tokenizer) + MESSAGE_TOKENS
    };
    specs.iter().map(tool).sum()
}

fn parts(parts: &[Part], tokenizer: &dyn Tokenizer) -> u64 {
    let part = |part: &Part| match part {
        // A thought goes back only with what the provider wants back of it.
        Part::Text(text) | Part::Reasoning { text, detail: Some(_) } => tokenizer.count(text),
        Part::Reasoning { detail: None, .. } | Part::Call(_) => 0,
        Part::Image { .. } | Part::File { .. } | Part::Audio { .. } => ATTACHMENT_TOKENS,
        Part::Data(value) => json(value, tokenizer),
        Part::Native(native) => json(&native.block, tokenizer),
    };
    parts.iter().map(part).sum()
}

pub(super) fn json(value: &Value, tokenizer: &dyn Tokenizer) -> u64 {
    tokenizer.count(&value.to_string())
}
