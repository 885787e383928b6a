//! Ops: the immutable entries of the graph.

use std::sync::Arc;

use super::{Merge, StepResult};
use crate::{
    clock::Timestamp,
    config::ConfigPatch,
    id::{MailId, MessageId, OpId},
    message::{Body, CallId, Draft, Message, Origin, Outcome, Status},
};

/// One immutable entry of a session's graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Op {
    /// Its identifier.
    pub id: OpId,
    /// The op it builds on; `None` for the first of a history.
    pub parent: Option<OpId>,
    /// When it was made.
    pub at: Timestamp,
    /// Its place in the step that made it.
    pub step: Step,
    /// How many messages stand in the view after it. Counted by the writer, checked by `verify`.
    pub standing: u32,
    /// Who made it, when that is not the sender of the message it appends.
    pub author: Option<String>,
    /// What it does.
    pub kind: OpKind,
}

/// What came of a call that is not told yet.
#[derive(Debug, Clone, PartialEq)]
pub struct CallResult {
    /// The call.
    pub call: CallId,
    /// The name of the tool.
    pub function: String,
    /// What came of it.
    pub outcome: Outcome,
}

impl CallResult {
    /// The message that tells it.
    pub fn to_draft(&self) -> Draft {
        Draft::result(self.call.clone(), &self.function, self.outcome.clone())
    }
}

/// What an op does to the view.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum OpKind {
    /// Appends a message.
    Message(Arc<Message>),
    /// Puts a system message before all others. There is one such at a time.
    Lead(Arc<Message>),
    /// Changes how an earlier message stands from here on.
    Edit {
        /// The message.
        target: MessageId,
        /// What it says now. Of the same kind as before.
        body: Body,
    },
    /// Takes earlier messages out of the view from here on: one, or a whole turn group.
    Remove {
        /// The messages, oldest first. Never empty.
        targets: Vec<MessageId>,
    },
    /// Lets a summary stand for earlier messages from here on. They stay in the history.
    Fold {
        /// The messages, oldest first, turn groups as a whole. Never empty.
        targets: Vec<MessageId>,
        /// What stands in the place of the first, as an instruction.
        summary: String,
    },
    /// Lets the messages stand again that a summary stood for.
    Unfold {
        /// The summary: it has the identifier of the first of them.
        target: MessageId,
    },
    /// Changes the configuration.
    Configure(Box<ConfigPatch>),
    /// Notes what came of a call before its message can come: results are told in the order of their
    /// calls. No message, and nothing of it is seen in the view.
    Noted(Arc<CallResult>),
    /// Tells how far the approval of calls is. Nothing of it is seen in the messages.
    Approval {
        /// The calls; empty when it is used.
        calls: Vec<CallId>,
        /// How far it is.
        stage: Approval,
    },
    /// Keeps what a named step of a flow gave. Nothing of it is seen in the messages.
    Done(Arc<StepResult>),
    /// Says that the ops of its step after it bring in another branch. Nothing of it is seen in the
    /// messages.
    Merge(Box<Merge>),
    /// Says that a mail is taken in: what it brings or changes follows in its step. Nothing of it is seen
    /// in the messages.
    Receive {
        /// The mail.
        mail: MailId,
    },
}

/// How far the approval of calls is. A call that is denied has its result [noted](OpKind::Noted).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Approval {
    /// None of the answer's calls runs before these are approved or denied: the turn is parked.
    Asked,
    /// These may run.
    Given,
    /// The turn went on: the calls of the answer may run from here on.
    Used,
}

impl OpKind {
    /// The message it brings; `None` when it does something else.
    pub fn as_message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) | Self::Lead(message) => Some(message),
            _ => None,
        }
    }
}

/// Who a summary is from.
pub(crate) const SUMMARY_SENDER: &str = "summary";

/// The message that says `summary` in the place of `first`, by an op of this identifier and time.
pub(super) fn summary_in_place_of(
    first: &Message,
    summary: &str,
    (op, at): (OpId, Timestamp),
) -> Message {
    Message {
        id: first.id,
        at,
        sender: SUMMARY_SENDER.to_owned(),
        recipient: None,
        body: Body::instruction(summary),
        metadata: serde_json::Map::new(),
        status: Status::Complete,
        edited: Some(op),
        origin: Some(Box::new(Origin::Folded { by: op })),
    }
}

/// The place of an op in its step.
///
/// A step is what one call of the user did: an append, an edit, a whole turn. It is what `undo`
/// takes back. A branch whose newest own op opens or continues a step has a turn that did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The only op of its step.
    Alone,
    /// The first of several.
    Opens,
    /// Neither the first nor the last.
    Continues,
    /// The last of several.
    Closes,
    /// Made with its branch, as what that begins with: nobody takes it back alone.
    Birth,
}

impl Step {
    /// Whether a step begins with this op.
    pub const fn begins(self) -> bool {
        matches!(self, Self::Alone | Self::Opens | Self::Birth)
    }

    /// Whether a step ends with this op.
    pub const fn ends(self) -> bool {
        matches!(self, Self::Alone | Self::Closes | Self::Birth)
    }
}
