//! Tool calls and what came of them.

use std::{borrow::Cow, fmt};

use serde_json::Value;

use crate::limits::TOOL_OUTPUT_SHOWN_BYTES_MAX;

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
    /// It was not allowed to run, for this reason.
    Denied(String),
    /// It was started, and nobody knows whether it took effect.
    Unknown,
}

impl Outcome {
    /// All of its text. A model is shown no more than [`shown`](Self::shown).
    pub fn text(&self) -> String {
        self.told().into_owned()
    }

    /// All of its text, copied only where it is not there as such.
    pub(crate) fn told(&self) -> Cow<'_, str> {
        match self {
            Self::Succeeded(Value::String(text)) => text.into(),
            Self::Succeeded(value) => value.to_string().into(),
            Self::Failed(message) => format!("failed: {message}").into(),
            Self::Cancelled(reason) => format!("cancelled: {reason}").into(),
            Self::Denied(reason) => format!("denied: {reason}").into(),
            Self::Unknown => "outcome unknown: the call may or may not have taken effect".into(),
        }
    }

    /// Its text as a model is shown it: cut where it is longer than
    /// [`TOOL_OUTPUT_SHOWN_BYTES_MAX`], and the cut told.
    pub fn shown(&self) -> Cow<'_, str> {
        let text = self.told();
        if text.len() <= TOOL_OUTPUT_SHOWN_BYTES_MAX {
            return text;
        }
        let end = text.floor_char_boundary(TOOL_OUTPUT_SHOWN_BYTES_MAX);
        let (shown, rest) = text.split_at(end);
        Cow::Owned(format!("{shown}\n[cut: {} more bytes are in the history]", rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_is_shown_up_to_a_letter_and_its_cut_is_told() {
        let short = Outcome::Succeeded("é".repeat(TOOL_OUTPUT_SHOWN_BYTES_MAX / 2).into());
        assert_eq!(short.shown(), short.text());
        // One byte before it: the limit lies inside of a letter.
        let long = format!("x{}", "é".repeat(TOOL_OUTPUT_SHOWN_BYTES_MAX / 2 + 5));
        let outcome = Outcome::Succeeded(long.into());
        let shown = outcome.shown();
        assert!(shown.ends_with("é\n[cut: 12 more bytes are in the history]"), "{}", shown.len());
        assert!(shown.len() < TOOL_OUTPUT_SHOWN_BYTES_MAX + 64);
        assert_eq!(Outcome::Failed("no".to_owned()).shown(), "failed: no");
    }
}
