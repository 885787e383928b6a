//! What a provider says while it answers.

use std::time::Duration;

use serde_json::Value;

use crate::message::Native;

/// One event of an answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ProviderEvent {
    /// The server began to answer.
    Started {
        /// The model that answers, as the server names it.
        model: Option<String>,
        /// The server's identifier for the answer.
        response_id: Option<String>,
    },
    /// More text.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// What the provider wants back with the reasoning, unchanged. Later ones are appended.
    ReasoningDetail(Value),
    /// A block of thought is whole. More reasoning begins another block.
    ReasoningEnded {
        /// What the provider wants back with it; it takes the place of other details.
        native: Option<Native>,
    },
    /// A block that only the provider understands, at this place of the answer.
    Native(Native),
    /// A tool call begins.
    CallStarted {
        /// The place of the call in the answer, from 0.
        index: u32,
        /// What pairs it with its result; never empty.
        id: String,
        /// The name of the tool.
        function: String,
    },
    /// More of a call's arguments, as JSON text.
    CallArguments {
        /// The place of the call in the answer.
        index: u32,
        /// The next piece.
        text: String,
    },
    /// Log probabilities, in the provider's words.
    Logprobs(Value),
    /// What the call cost; the last one counts.
    Usage(Usage),
    /// The call failed and was made anew: what came before does not count.
    Retried(Retried),
    /// Another provider than the one that was asked answers from here on. Comes before its
    /// [`Started`](Self::Started).
    Rerouted(Rerouted),
    /// An event of another answer to the same request, when several were asked for.
    Sibling {
        /// Which of the others it is, from 1.
        choice: u32,
        /// The event; never one of these itself.
        event: Box<Self>,
    },
    /// The answer is whole, and so are the others.
    Finished(Finish),
}

/// That a call failed and was made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// How often it was made anew so far.
    pub retries: u32,
    /// How long was waited before.
    pub wait: Duration,
    /// The class of the failure, see [`ProviderError::error_type`](super::ProviderError::error_type).
    pub error_type: &'static str,
    /// Why it failed; holds no key.
    pub problem: String,
}

/// Who was asked in the place of the provider that should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerouted {
    /// What the provider is called in the call log and in tables of prices.
    pub provider: String,
    /// The model that it was asked for.
    pub model: String,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finish {
    /// The model was done, or reached a stop text.
    Stop,
    /// It reached the limit of tokens.
    Length,
    /// It asks for tools.
    ToolCalls,
    /// A filter cut it.
    ContentFilter,
    /// The server gave a reason we do not know, or none.
    Other(String),
}

impl Finish {
    /// The reason that [`as_str`](Self::as_str) says so.
    pub fn from_name(name: &str) -> Self {
        let known = [Self::Stop, Self::Length, Self::ToolCalls, Self::ContentFilter];
        let known = known.into_iter().find(|finish| finish.as_str() == name);
        known.unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    /// The reason in the words of the OpenAI protocol, which most tools know.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other(reason) => reason,
        }
    }
}

/// Tokens of one call, as the provider counted them. `None` is "not said", never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens read, the cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens written, the reasoning ones included.
    pub output_tokens: Option<u64>,
    /// Tokens read from the provider's prompt cache.
    pub cached_tokens: Option<u64>,
    /// Tokens read that the provider now keeps in its prompt cache, where it counts them.
    pub cache_write_tokens: Option<u64>,
    /// Tokens the model thought.
    pub reasoning_tokens: Option<u64>,
}

impl Usage {
    /// Both together. What only one of them says is what that says.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        let sum = |left: Option<u64>, right: Option<u64>| match (left, right) {
            (Some(left), Some(right)) => Some(left.saturating_add(right)),
            (left, right) => left.or(right),
        };
        Self {
            input_tokens: sum(self.input_tokens, more.input_tokens),
            output_tokens: sum(self.output_tokens, more.output_tokens),
            cached_tokens: sum(self.cached_tokens, more.cached_tokens),
            cache_write_tokens: sum(self.cache_write_tokens, more.cache_write_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, more.reasoning_tokens),
        }
    }
}
