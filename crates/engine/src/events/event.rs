//! One thing that happened on a branch.

use std::sync::Arc;

use branchwork_core::{
    clock::Timestamp,
    graph::{CallResult, Op},
    id::OpId,
    message::{CallId, Message},
    provider::{Retried, Usage},
    store::Cause,
};

/// One thing that happened on a branch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The number to come back with: all that is durable up to it has been heard. Several events of one
    /// move of the head come together; only the last one has the number of that move, the others and live
    /// ones the number before.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What happened. All but [`Text`](Self::Text), [`Reasoning`](Self::Reasoning), [`Retried`](Self::Retried),
/// [`CallStarted`](Self::CallStarted) and [`CallArguments`](Self::CallArguments) are durable.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// An instruction opened a turn. One that came with a new system message, or is asked again, opens none:
    /// the change of the system message, or of what was there, does.
    TurnStarted(Arc<Message>),
    /// More text of the answer that is being made.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// The call of the model failed and was made anew: what came of the answer so far does not count.
    Retried(Retried),
    /// The model asks for a tool.
    CallStarted {
        /// The place of the call in the answer, from 0.
        index: u32,
        /// What pairs it with its result.
        id: String,
        /// The name of the tool.
        function: String,
    },
    /// More of a call's arguments.
    CallArguments {
        /// The place of the call in the answer.
        index: u32,
        /// The next piece.
        text: String,
    },
    /// What the call of the model used whose answer comes next.
    Usage(Usage),
    /// A message is there: an answer, the result of a call in its place, or what somebody appended.
    MessageCompleted(Arc<Message>),
    /// A call of a tool gave what was wanted. Once for each call, as it ends; its message comes in the
    /// order of the calls.
    CallCompleted(Arc<CallResult>),
    /// A call of a tool failed, or did not run.
    CallFailed(Arc<CallResult>),
    /// The turn waits for a person who approves or denies these calls.
    ApprovalAsked(Vec<CallId>),
    /// These calls may run.
    Approved(Vec<CallId>),
    /// A turn that was parked goes on.
    TurnResumed,
    /// The turn is over, with this message. Also an answer that somebody appended is the end of one.
    TurnCompleted(Arc<Message>),
    /// The turn was stopped, or cut off: its answer is a part, or nobody knows what came of a call.
    TurnInterrupted(Arc<Message>),
    /// The provider failed, and the turn with it.
    TurnFailed(Arc<Message>),
    /// The branch was changed by another op: an edit, a removal, its configuration.
    Changed(Arc<Op>),
    /// The head went elsewhere: the branch was made, something was undone or done again.
    Moved {
        /// Why.
        cause: Cause,
        /// Where it is now.
        head: Option<OpId>,
    },
}

impl EventKind {
    /// Its name, as files and the command line spell it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::TurnStarted(_) => "turn_started",
            Self::Text(_) => "text",
            Self::Reasoning(_) => "reasoning",
            Self::Retried(_) => "retried",
            Self::CallStarted { .. } => "call_started",
            Self::CallArguments { .. } => "call_arguments",
            Self::Usage(_) => "usage",
            Self::MessageCompleted(_) => "message_completed",
            Self::CallCompleted(_) => "call_completed",
            Self::CallFailed(_) => "call_failed",
            Self::ApprovalAsked(_) => "approval_asked",
            Self::Approved(_) => "approved",
            Self::TurnResumed => "turn_resumed",
            Self::TurnCompleted(_) => "turn_completed",
            Self::TurnInterrupted(_) => "turn_interrupted",
            Self::TurnFailed(_) => "turn_failed",
            Self::Changed(_) => "changed",
            Self::Moved { .. } => "moved",
        }
    }
}
