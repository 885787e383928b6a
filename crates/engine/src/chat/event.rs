//! What a turn says while it runs, and what it leaves.

use std::sync::Arc;

use branchwork_core::{
    id::{MessageId, OpId},
    message::{Body, Message, Outcome, ToolCall},
    provider::{Finish, Usage},
    turn::Answer,
};
use serde_json::Value;

/// One event of a turn.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TurnEvent {
    /// The instruction is durable, and the model is asked.
    Started {
        /// The instruction.
        instruction: MessageId,
    },
    /// More text.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
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
    /// A call ended; its result is durable with the turn.
    CallCompleted {
        /// What pairs it with its result.
        id: String,
        /// The name of the tool.
        function: String,
        /// What came of it.
        outcome: Outcome,
    },
    /// What the call cost, as the provider counts it.
    Usage(Usage),
    /// The answer is durable: the last event.
    Completed(Reply),
}

/// What the model answered.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The answer, as it stands in the history.
    pub message: Arc<Message>,
    /// The results of the calls it makes, in their order, as they stand in the history.
    pub results: Vec<Arc<Message>>,
    /// The head of the branch after it.
    pub head: OpId,
    /// Its plain text.
    pub text: String,
    /// Why the model stopped; `None` when it was stopped.
    pub finish: Option<Finish>,
    /// Tokens of the call, when the provider counted them.
    pub usage: Option<Usage>,
    /// The model that answered, as the server names it.
    pub model: Option<String>,
    /// Log probabilities, in the provider's words and pieces.
    pub logprobs: Vec<Value>,
}

impl Reply {
    pub(super) fn new(
        message: Arc<Message>,
        results: Vec<Arc<Message>>,
        head: OpId,
        answer: &Answer,
    ) -> Self {
        Self {
            text: message.text(),
            message,
            results,
            head,
            finish: answer.finish().cloned(),
            usage: answer.usage(),
            model: answer.model().map(str::to_owned),
            logprobs: answer.logprobs().to_vec(),
        }
    }

    /// The tool calls the model asks for.
    pub fn calls(&self) -> &[ToolCall] {
        match &self.message.body {
            Body::ActionRequest { calls, .. } => calls,
            _ => &[],
        }
    }
}
