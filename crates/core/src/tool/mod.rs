//! Tools: functions of the host program that a model may call.
//!
//! - [`Tool`] is the contract; [`ToolSpec`] is what a model sees of one.
//! - [`ToolContext`] is what a running call is told.
//! - [`ToolOutput`] is what a call gives.
//! - [`ToolEffect`] is what a call does to the world.
//! - [`Policy`] says whether a call may run, or a person is asked.
//! - [`ToolError`] is how it fails: a result that the model sees, never a lost exception.
//! - [`ToolSelection`] says which tools of a branch a turn offers.
//! - [`ToolSource`] has tools that come and go while the program runs.

mod output;
mod policy;
mod selection;
mod source;

use std::{error::Error as StdError, fmt, time::Duration};

use async_trait::async_trait;
use serde_json::Value;

pub use self::{
    output::ToolOutput,
    policy::{JudgesCalls, Policy},
    selection::ToolSelection,
    source::ToolSource,
};
pub use crate::provider::{ToolChoice, ToolSpec};
use crate::{
    id::{BranchId, MessageId, SessionId},
    message::CallId,
};

/// A function of the host program that a model may call. Object-safe; shared by `Arc`.
///
/// # Cancel safety
///
/// The future of a call is dropped when the turn is stopped or its time is over.
#[async_trait]
pub trait Tool: fmt::Debug + Send + Sync + 'static {
    /// What a model sees of it. The same for as long as it is registered.
    fn spec(&self) -> &ToolSpec;

    /// How long a call may take; `None` is as long as it takes.
    fn timeout(&self) -> Option<Duration>;

    /// What a call does to the world: whether it may run again when a crash cut it off.
    fn effect(&self) -> ToolEffect;

    /// Whether a call with `arguments`, which fit the schema of its [`spec`](Self::spec), may run. The
    /// same for the same arguments, always.
    fn policy(&self, arguments: &Value) -> Policy;

    /// Whether the calls of one answer run one after the other; else side by side. Calls of other tools
    /// run beside them in any case.
    fn is_serial(&self) -> bool;

    /// Runs it. `arguments` fit the schema of its [`spec`](Self::spec).
    ///
    /// # Errors
    ///
    /// What the model shall be told.
    async fn call(&self, arguments: Value, context: ToolContext) -> Result<ToolOutput, ToolError>;
}

/// What a call of a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ToolEffect {
    /// Nothing: it only looks. It may run again.
    Pure,
    /// The same, however often it runs with one [`ToolContext::key`]. It may run again.
    Idempotent,
    /// Something that must not happen twice. When a crash cut it off, nobody knows whether it did, and
    /// the model is told so.
    #[default]
    AtMostOnce,
}

impl ToolEffect {
    /// Whether a call that was cut off may run again.
    pub const fn may_run_again(self) -> bool {
        matches!(self, Self::Pure | Self::Idempotent)
    }
}

/// What a running call is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolContext {
    /// The session.
    pub session: SessionId,
    /// The branch.
    pub branch: BranchId,
    /// The instruction that began the turn.
    pub turn: MessageId,
    /// The answer that makes the call.
    pub answer: MessageId,
    /// The call, as the provider names it: unique in its answer, and perhaps not beyond.
    pub call: CallId,
}

impl ToolContext {
    /// The context of a call that `answer` makes, in the turn that the instruction `turn` began.
    pub const fn new(
        (session, branch): (SessionId, BranchId),
        (turn, answer): (MessageId, MessageId),
        call: CallId,
    ) -> Self {
        Self { session, branch, turn, answer, call }
    }

    /// An idempotency key: no other call has it, and this one has it again when it runs again after a
    /// crash.
    pub fn key(&self) -> String {
        format!("{}/{}", self.answer, self.call)
    }
}

/// Why a tool failed. Its `Display` is what the model is told.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    message: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ToolError {
    /// A failure that says `message` to the model.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// A failure because of `source`; the model is told what it and its causes say.
    pub fn because(source: impl StdError + Send + Sync + 'static) -> Self {
        let mut message = source.to_string();
        let mut cause = source.source();
        while let Some(source) = cause {
            message = format!("{message}: {source}");
            cause = source.source();
        }
        Self { message, source: Some(Box::new(source)) }
    }
}
