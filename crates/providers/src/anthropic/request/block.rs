//! Blocks: what messages of the protocol are made of.

use std::{borrow::Cow, collections::BTreeMap};

use branchwork_core::message::{Outcome, ToolCall};
use serde::Serialize;
use serde_json::Value;

use super::names::tool_name;
use crate::{arguments::ArgumentsObject, rules::Rule, wire::Pen};

/// A block of ours.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Own<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: Source<'a>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolUse {
        id: String,
        name: Cow<'a, str>,
        input: ArgumentsObject<'a>,
        /// What else its server said of it.
        #[serde(flatten)]
        fields: BTreeMap<&'a str, &'a Value>,
    },
    ToolResult {
        tool_use_id: String,
        /// The API takes no blank text, and does without one.
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

/// Where the content of an attachment is.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'static str, data: String },
    Url { url: &'a str },
    File { file_id: &'a str },
}

/// A block as it is written.
#[derive(Debug)]
pub(super) enum Block<'a> {
    Own(Own<'a>),
    /// As the server sent it, and which of the parts it was.
    Thought(&'a Value, usize),
    /// As the server sent it.
    Native(&'a Value),
    /// A piece of text as the server sent it, with its citations.
    Cited(&'a Value),
}

impl<'a> Block<'a> {
    /// A text; `None` when it is blank, which the API refuses.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        (!text.trim().is_empty()).then_some(Self::Own(Own::Text { text }))
    }

    /// What came of a call. What did not succeed has a text that says so: the API wants one there.
    pub(super) fn result(tool_use_id: String, outcome: &'a Outcome) -> Self {
        let content = Some(outcome.shown()).filter(|text| !text.trim().is_empty());
        let is_error = !matches!(outcome, Outcome::Succeeded(_));
        Self::Own(Own::ToolResult { tool_use_id, content, is_error })
    }

    pub(super) const fn is_text(&self) -> bool {
        matches!(self, Self::Own(Own::Text { .. }) | Self::Cited(_))
    }

    pub(super) const fn is_call(&self) -> bool {
        matches!(self, Self::Own(Own::ToolUse { .. }))
    }

    /// Whether it can be a breakpoint of the cache: nothing that is hidden or empty can.
    pub(super) const fn is_cacheable(&self) -> bool {
        match self {
            Self::Own(Own::ToolResult { content, .. }) => content.is_some(),
            Self::Own(_) | Self::Cited(_) => true,
            Self::Thought(..) | Self::Native(_) => false,
        }
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// None: it is JSON.
    pub(super) fn write(&self, pen: &mut Pen) -> Result<(), String> {
        match self {
            Self::Own(block) => pen.json(block),
            Self::Thought(block, _) | Self::Native(block) | Self::Cited(block) => pen.json(block),
        }
    }
}

/// The fields of a call that we write ourselves.
const OURS: [&str; 4] = ["type", "id", "name", "input"];

/// A call, under its `id`, with what else its server said of it. What is adapted is noted.
pub(super) fn call<'a>(
    pen: &mut Pen,
    id: String,
    call: &'a ToolCall,
    fields: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Block<'a> {
    let name = tool_name(&call.function);
    if matches!(name, Cow::Owned(_)) {
        pen.adapt(Rule::CallNameRemade);
    }
    let input = ArgumentsObject::read(&call.arguments);
    if input.is_wrapped() {
        pen.adapt(Rule::ArgumentsWrapped);
    }
    let fields = fields.into_iter().map(|(name, value)| (name.as_str(), value));
    let fields = fields.filter(|(name, _)| !OURS.contains(name)).collect();
    Block::Own(Own::ToolUse { id, name, input, fields })
}
