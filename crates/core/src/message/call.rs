//! Tool calls and what came of them.

use std::fmt;

use serde_json::Value;

/// Identifies one tool call within a conversation: what the provider called it.
///
/// Servers that give no identifier get one from the place of the call, so it is never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(String);

impl CallId {
    /// Wraps what the provider sent.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One call of a tool that a model asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// What pairs it with its result.
    pub id: CallId,
    /// The name of the tool.
    pub function: String,
    /// The arguments, as JSON text, byte for byte as the model wrote them; it may be malformed.
    pub arguments: String,
}

/// What came of one tool call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The tool gave this.
    Succeeded(Value),
    /// The tool failed, or could not be run.
    Failed(String),
    /// It was not run, for this reason.
    Cancelled(String),
    /// It was started, and nobody knows whether it took effect.
    Unknown,
}

impl Outcome {
    /// What the model is told.
    pub fn text(&self) -> String {
        match self {
            Self::Succeeded(Value::String(text)) => text.clone(),
            Self::Succeeded(value) => value.to_string(),
            Self::Failed(message) => format!("failed: {message}"),
            Self::Cancelled(reason) => format!("cancelled: {reason}"),
            Self::Unknown => {
                "outcome unknown: the call may or may not have taken effect".to_owned()
            }
        }
    }
}
