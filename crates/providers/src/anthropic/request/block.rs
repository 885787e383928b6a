//! Blocks: what messages of the protocol are made of.

use std::borrow::Cow;

use branchwork_core::message::{Outcome, ToolCall};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::names::tool_name;
use crate::wire::Pen;

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
        input: Input<'a>,
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

/// The arguments of a call; the API takes an object only.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Input<'a> {
    Empty(Map<String, Value>),
    Given(&'a RawValue),
    Wrapped { _malformed: &'a str },
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

/// A call, under its `id`. What is adapted is noted.
pub(super) fn call<'a>(pen: &mut Pen, id: String, call: &'a ToolCall) -> Block<'a> {
    let name = tool_name(&call.function);
    if matches!(name, Cow::Owned(_)) {
        pen.adapt("tool_name_remade");
    }
    let input = input(&call.arguments);
    if matches!(input, Input::Wrapped { .. }) {
        pen.adapt("arguments_wrapped");
    }
    Block::Own(Own::ToolUse { id, name, input })
}

/// Arguments as the model wrote them when they are an object, else wrapped into one. They are read
/// whole: halves of characters, which the API refuses, are seen only so.
fn input(arguments: &str) -> Input<'_> {
    if arguments.trim().is_empty() {
        return Input::Empty(Map::new());
    }
    let is_object = serde_json::from_str::<Map<String, Value>>(arguments).is_ok();
    match serde_json::from_str(arguments) {
        Ok(given) if is_object => Input::Given(given),
        _ => Input::Wrapped { _malformed: arguments },
    }
}
