//! A chunk of a stream, or a whole answer: both have one form.

use branchwork_core::provider::Usage;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    gemini::native::MARKS,
    loose::{Count, Text, value_of},
};

/// What a chunk says, as far as we read it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow)]
    pub(super) prompt_feedback: Option<Feedback<'a>>,
    pub(super) usage_metadata: Option<WireUsage>,
    #[serde(borrow, default)]
    pub(super) model_version: Text<'a>,
    #[serde(borrow, default)]
    pub(super) response_id: Text<'a>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// One of the alternative answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(default)]
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Text<'a>,
    #[serde(borrow, default)]
    pub(super) finish_message: Text<'a>,
    #[serde(borrow)]
    pub(super) logprobs_result: Option<&'a RawValue>,
    #[serde(borrow)]
    grounding_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    citation_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    url_context_metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<&'a RawValue>>,
}

/// What the server found of what it was asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback<'a> {
    #[serde(borrow, default)]
    pub(super) block_reason: Text<'a>,
    #[serde(borrow, default)]
    pub(super) block_reason_message: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct WireUsage {
    #[serde(rename = "promptTokenCount", default)]
    prompt: Count,
    /// What tools of the server gave the model to read.
    #[serde(rename = "toolUsePromptTokenCount", default)]
    tools: Count,
    #[serde(rename = "cachedContentTokenCount", default)]
    cached: Count,
    #[serde(rename = "candidatesTokenCount", default)]
    candidates: Count,
    #[serde(rename = "thoughtsTokenCount", default)]
    thoughts: Count,
}

/// What a part says, as far as we read it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) function_call: Option<FunctionCall<'a>>,
    pub(super) thought: Option<bool>,
    #[serde(borrow, rename = "thoughtSignature")]
    signature: Option<&'a RawValue>,
    #[serde(borrow, rename = "partMetadata")]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow, default)]
    pub(super) id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
}

impl Candidate<'_> {
    /// What the server tells of its sources, each as a block.
    pub(super) fn sources(&self) -> impl Iterator<Item = Value> {
        let sources = [
            ("groundingMetadata", self.grounding_metadata),
            ("citationMetadata", self.citation_metadata),
            ("urlContextMetadata", self.url_context_metadata),
        ];
        let block = |(name, source): (&str, Option<&RawValue>)| {
            Some(Value::Object(Map::from_iter([(name.to_owned(), value_of(source?))])))
        };
        sources.into_iter().filter_map(block)
    }
}

impl Part<'_> {
    /// What stands beside its content and is kept with it.
    pub(super) fn marks(&self) -> Map<String, Value> {
        let marks = MARKS.into_iter().zip([self.signature, self.metadata]);
        let marks = marks.filter_map(|(name, mark)| Some((name.to_owned(), value_of(mark?))));
        marks.collect()
    }
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let read = Self { input_tokens: wire.prompt.0, ..Self::default() };
        let tools = Self { input_tokens: wire.tools.0, ..Self::default() };
        let said = Self { output_tokens: wire.candidates.0, ..Self::default() };
        let thought = Self {
            output_tokens: wire.thoughts.0,
            reasoning_tokens: wire.thoughts.0,
            cached_tokens: wire.cached.0,
            ..Self::default()
        };
        read.plus(tools).plus(said).plus(thought)
    }
}
