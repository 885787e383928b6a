//! What a model is asked, in our own words.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::RequestBody;
use crate::{config::Config, message::Message};

/// One request to a model.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ModelRequest {
    /// The conversation, oldest message first. Every tool call in it has its result.
    pub messages: Vec<Arc<Message>>,
    /// The parameters; [`Config::model`] names the model.
    pub config: Config,
    /// The tools on offer, in a stable order.
    pub tools: Vec<ToolSpec>,
    /// Whether the model may, must or must not call them.
    pub tool_choice: ToolChoice,
    /// Whether events shall come as the model makes them.
    pub stream: bool,
    /// What a provider with a prompt cache should know.
    pub cache: CacheHints,
    /// How many answers are asked for.
    pub choices: u32,
}

/// What a provider with a prompt cache should know of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheHints {
    /// The same for all requests that share a beginning, so that they reach the same cache.
    pub key: Option<String>,
    /// How many messages, from the first, other branches have in common with this one: ascending, each
    /// at most the number of messages.
    pub shared: Vec<usize>,
}

impl ModelRequest {
    /// A streamed request without tools.
    pub const fn new(messages: Vec<Arc<Message>>, config: Config) -> Self {
        let cache = CacheHints { key: None, shared: Vec::new() };
        let tool_choice = ToolChoice::Auto;
        Self { messages, config, tools: Vec::new(), tool_choice, stream: true, cache, choices: 1 }
    }

    /// Offers `tools`.
    #[must_use]
    pub fn with_tools(mut self, tools: Vec<ToolSpec>, choice: ToolChoice) -> Self {
        self.tools = tools;
        self.tool_choice = choice;
        self
    }

    /// Asks for several answers.
    #[must_use]
    pub const fn with_choices(mut self, choices: u32) -> Self {
        self.choices = choices;
        self
    }

    /// Tells of what providers cache.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheHints) -> Self {
        self.cache = cache;
        self
    }

    /// Asks for the answer in one piece.
    #[must_use]
    pub const fn without_stream(mut self) -> Self {
        self.stream = false;
        self
    }
}

/// A tool as a model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
}

/// Whether the model may call tools.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ToolChoice {
    /// As it sees fit.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// What is sent otherwise than it is kept: the names of the rules of the provider's protocol that asked for
/// it, and how often each did. The history is never changed.
pub type Adapted = BTreeMap<Cow<'static, str>, u32>;

/// What would go over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenderedRequest {
    /// Where to.
    pub url: String,
    /// The body, as JSON text.
    pub body: RequestBody,
    /// What it says otherwise than the history.
    pub adapted: Adapted,
}
