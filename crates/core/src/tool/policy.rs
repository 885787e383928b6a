//! Whether a call of a tool may run.

use std::fmt;

use crate::message::ToolCall;

/// Whether a call may run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Policy {
    /// It may.
    #[default]
    Allow,
    /// A person is asked. Until then none of the answer's calls runs: the turn is parked.
    Ask,
    /// It must not, for this reason, which the model is told.
    Deny(String),
}

impl Policy {
    /// The stricter of the two; the first one's reason when both deny.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny(reason), _) | (_, Self::Deny(reason)) => Self::Deny(reason),
            (Self::Ask, _) | (_, Self::Ask) => Self::Ask,
            (Self::Allow, Self::Allow) => Self::Allow,
        }
    }
}

/// Judges the calls of an answer before any of them runs. The same call is always judged the same.
pub trait JudgesCalls: fmt::Debug + Send + Sync {
    /// Whether `call` may run.
    fn judge(&self, call: &ToolCall) -> Policy;
}

#[cfg(test)]
mod tests {
    use super::Policy;

    #[test]
    fn the_stricter_one_counts() {
        let deny = |reason: &str| Policy::Deny(reason.to_owned());
        assert_eq!(Policy::Allow.and(Policy::Allow), Policy::Allow);
        assert_eq!(Policy::Allow.and(Policy::Ask), Policy::Ask);
        assert_eq!(Policy::Ask.and(Policy::Allow), Policy::Ask);
        assert_eq!(Policy::Ask.and(deny("no")), deny("no"));
        assert_eq!(deny("first").and(deny("second")), deny("first"));
    }
}
