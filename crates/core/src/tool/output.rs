//! What a call of a tool gives.

use serde_json::Value;

use crate::id::MailId;

/// What a call of a tool gives.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ToolOutput {
    /// What the model is told.
    pub value: Value,
    /// The mails of the branch that it tells of: they are taken in by the commit that keeps the result.
    pub received: Vec<MailId>,
}

impl ToolOutput {
    /// An output that tells of these mails.
    #[must_use]
    pub fn with_received(mut self, mails: Vec<MailId>) -> Self {
        self.received = mails;
        self
    }
}

impl From<Value> for ToolOutput {
    fn from(value: Value) -> Self {
        Self { value, received: Vec::new() }
    }
}
