//! Blocks that only the provider that made them understands.

use serde_json::{Value, json};

/// A block of an answer in the words of the protocol it came in: kept as it came, and sent back to
/// the same protocol as it came. Signatures, encrypted thoughts, tools that the server ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Native {
    /// The protocol, by the name its provider gives it: `anthropic`, `responses`, `gemini`.
    pub protocol: String,
    /// The model that was asked: some blocks mean nothing to another.
    pub model: String,
    /// The block.
    pub block: Value,
}

impl Native {
    /// Wraps a block of an answer of `model`.
    pub fn new(protocol: impl Into<String>, model: impl Into<String>, block: Value) -> Self {
        Self { protocol: protocol.into(), model: model.into(), block }
    }

    /// The form in which it goes with a thought, as
    /// [`Part::Reasoning::detail`](super::Part::Reasoning::detail).
    pub fn into_detail(self) -> Value {
        json!({ "protocol": self.protocol, "model": self.model, "block": self.block })
    }

    /// Whether `detail` is one of [`into_detail`](Self::into_detail), of whatever protocol.
    pub fn is_detail(detail: &Value) -> bool {
        ["protocol", "model", "block"].iter().all(|name| detail.get(name).is_some())
    }

    /// The block that goes with a thought, when `detail` is one of `protocol`; with it, the model
    /// that was asked.
    ///
    /// ```
    /// use branchwork_core::message::Native;
    ///
    /// let native = Native::new("anthropic", "opus", "signed".into());
    /// let detail = native.into_detail();
    /// assert_eq!(Native::in_detail(&detail, "anthropic"), Some(("opus", &"signed".into())));
    /// assert_eq!(Native::in_detail(&detail, "gemini"), None);
    /// ```
    pub fn in_detail<'d>(detail: &'d Value, protocol: &str) -> Option<(&'d str, &'d Value)> {
        let said = |name: &str| detail.get(name)?.as_str();
        let is_ours = said("protocol") == Some(protocol);
        is_ours.then(|| Some((said("model")?, detail.get("block")?))).flatten()
    }
}
