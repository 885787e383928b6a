//! How a replay differs from what was logged.

use std::fmt;

use branchwork_core::id::{MessageId, OpId};

use super::difference::{Difference, Place};

/// How far a replay may differ from what was logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Not at all: what differs first is an error.
    #[default]
    Strict,
    /// As it does: what is nearest is taken, and all that differs is told.
    Drift,
}

/// One thing in which a replay differs from what was logged. A call is named by its answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Drift {
    /// A request is not the one that was logged, and nearest to that one.
    Asked {
        /// The call that it is nearest to.
        answer: MessageId,
        /// What differs. Never empty.
        differences: Vec<Difference>,
    },
    /// A request was logged, but after another one of its branch that was not asked yet.
    OutOfOrder {
        /// The call.
        answer: MessageId,
        /// The one before it.
        before: MessageId,
    },
    /// A request was asked more often than it was logged.
    Repeated {
        /// The call.
        answer: MessageId,
    },
    /// A request was asked where none was logged any more.
    Unlogged {
        /// The last call before it; `None` when there was none.
        after: Option<MessageId>,
    },
    /// A call was logged, and is not asked any more.
    Unasked {
        /// The call.
        answer: MessageId,
    },
    /// A message came out that says something else.
    Said {
        /// The message of the source.
        message: MessageId,
        /// Where.
        place: Place,
    },
    /// A message of the source did not come out.
    Unsaid {
        /// The message.
        message: MessageId,
    },
    /// A message came out that the source does not have.
    Added {
        /// The message of the source that it comes behind; `None` when it is the first.
        after: Option<MessageId>,
    },
    /// A change of the source cannot follow what came out.
    Refused {
        /// The op.
        op: OpId,
        /// Why.
        problem: String,
    },
}

impl Drift {
    /// The call or the message that it is about.
    pub const fn message(&self) -> Option<MessageId> {
        match self {
            Self::Asked { answer, .. }
            | Self::OutOfOrder { answer, .. }
            | Self::Repeated { answer }
            | Self::Unasked { answer } => Some(*answer),
            Self::Said { message, .. } | Self::Unsaid { message } => Some(*message),
            Self::Unlogged { after } | Self::Added { after } => *after,
            Self::Refused { .. } => None,
        }
    }

    /// A word for its kind, as the command line spells it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "asked",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::Repeated { .. } => "repeated",
            Self::Unlogged { .. } => "unlogged",
            Self::Unasked { .. } => "unasked",
            Self::Said { .. } => "said",
            Self::Unsaid { .. } => "unsaid",
            Self::Added { .. } => "added",
            Self::Refused { .. } => "refused",
        }
    }
}

impl fmt::Display for Drift {
    /// One clause, without anything of what was said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = |after: &Option<MessageId>| match after {
            Some(after) => format!("after {after}"),
            None => "at the beginning".to_owned(),
        };
        match self {
            Self::Asked { answer, differences } => {
                let clauses: Vec<_> = differences.iter().map(Difference::to_string).collect();
                write!(f, "what {answer} answered is not what is asked: {}", clauses.join("; "))
            }
            Self::OutOfOrder { answer, before } => {
                write!(f, "what {answer} answered is asked before what {before} answered")
            }
            Self::Repeated { answer } => {
                write!(f, "what {answer} answered is asked more often than it was logged")
            }
            Self::Unlogged { after } => {
                write!(f, "a model is asked {}, and was not", behind(after))
            }
            Self::Unasked { answer } => write!(f, "what {answer} answered is not asked"),
            Self::Said { message, place } => write!(f, "{message} differs in {place}"),
            Self::Unsaid { message } => write!(f, "{message} is not said"),
            Self::Added { after } => {
                write!(f, "a message is said {} that was not", behind(after))
            }
            Self::Refused { op, problem } => write!(f, "op {op} cannot be done again: {problem}"),
        }
    }
}
