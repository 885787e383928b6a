//! What a turn says while it runs, and what it leaves.

use std::sync::Arc;

use branchwork_core::{
    id::{BranchId, MessageId, OpId},
    message::{Body, Message, Outcome, ToolCall},
    provider::{Finish, Retried, Usage},
    turn::{Ending, Limit, Turn},
};
use serde_json::Value;

/// One event of a turn.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "a turn has one reply, which is moved a few times")]
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
    /// The call of the model failed and was made anew: what came of this answer so far does not count.
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
    /// An answer that asks for calls is durable; they run now, and the model is asked again.
    Called(Arc<Message>),
    /// A call that ran ended; its result is durable before the model is asked again. Of a call that
    /// does not run, as nobody offers its tool, only the result tells.
    CallCompleted {
        /// What pairs it with its result.
        id: String,
        /// The name of the tool.
        function: String,
        /// What came of it.
        outcome: Outcome,
    },
    /// What was said [while the turn went on](crate::Branch::steer) is durable, and the model hears it
    /// now.
    Steered(Arc<Message>),
    /// What a call of the model used, as the provider counts it.
    Usage(Usage),
    /// The answer is durable: the last event.
    Completed(Reply),
}

/// What the model answered, at the end of its turn.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The last answer of the turn, as it stands in the history.
    pub message: Arc<Message>,
    /// The results of all calls of the turn, in their order, as they stand in the history.
    pub results: Vec<Arc<Message>>,
    /// How often the model was asked.
    pub rounds: u32,
    /// Why it was not asked again, when it called tools in its last answer.
    pub limit: Option<Limit>,
    /// The head of the branch after it.
    pub head: OpId,
    /// Its plain text.
    pub text: String,
    /// Why the model stopped; `None` when it was stopped.
    pub finish: Option<Finish>,
    /// Tokens of all calls of the model in this turn, as far as the provider counted them; of those
    /// since it was [resumed](crate::Branch::resume), if it was.
    pub usage: Option<Usage>,
    /// The model that answered, as the server names it.
    pub model: Option<String>,
    /// Log probabilities, in the provider's words and pieces.
    pub logprobs: Vec<Value>,
    /// The forks with the other answers, when [several](crate::chat::Chat::with_choices) were asked for.
    pub siblings: Vec<BranchId>,
}

impl Reply {
    pub(super) fn new(
        message: Arc<Message>,
        results: Vec<Arc<Message>>,
        head: OpId,
        turn: &Turn,
        ending: Ending,
    ) -> Self {
        let answer = turn.answer();
        Self {
            text: message.text(),
            message,
            results,
            rounds: turn.rounds(),
            limit: match ending {
                Ending::Limited(limit) => Some(limit),
                _ => None,
            },
            head,
            finish: answer.finish().cloned(),
            usage: turn.usage(),
            model: answer.model().map(str::to_owned),
            logprobs: answer.logprobs().to_vec(),
            siblings: Vec::new(),
        }
    }

    /// The tool calls that the last answer asks for.
    pub fn calls(&self) -> &[ToolCall] {
        match &self.message.body {
            Body::ActionRequest { calls, .. } => calls,
            _ => &[],
        }
    }
}
