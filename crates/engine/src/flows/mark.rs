//! Chats of a flow in the history: how they are found, and what came of them.

use std::sync::Arc;

use branchwork_core::message::{Body, Message, Outcome, Role, Status};
use serde_json::{Value, json};

use crate::{branch::Branch, error::Result};

/// What an instruction of a flow has in its metadata: an object with the names `flow` and `step`. No model
/// sees it.
pub const FLOW_STEP_KEY: &str = "branchwork.flow_step";

/// Names a chat of a flow, in the metadata of its instruction.
#[derive(Debug)]
pub(super) struct Mark(pub(super) Value);

/// What is there of a chat of a flow.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing that could be gone on with.
    Nothing,
    /// The instruction, and no answer to it: it failed, was interrupted or was taken back.
    Unanswered,
    /// A turn that was cut off, or is parked.
    CutOff,
    /// The answer.
    Answer(Arc<Message>),
}

impl Mark {
    pub(super) fn new(flow: &str, step: &str) -> Self {
        Self(json!({ "flow": flow, "step": step }))
    }

    fn is_on(&self, message: &Message) -> bool {
        message.role() == Role::User && message.metadata.get(FLOW_STEP_KEY) == Some(&self.0)
    }

    /// Looks for the chat on `branch`.
    pub(super) async fn find(&self, branch: &Branch) -> Result<Found> {
        let state = branch.refresh().await?;
        let mut after = Vec::new();
        let mut is_there = false;
        for message in state.view.messages().rev() {
            if self.is_on(message) {
                is_there = true;
                break;
            }
            after.push(message);
        }
        if !is_there {
            return Ok(Found::Nothing);
        }
        let mut answer = None;
        while let Some(message) = after.pop() {
            let step = branch.op(message.id.op()).await?.step;
            match message.role() {
                // What was said while the turn went on belongs to it, what begins a step does not.
                Role::User if step.begins() => return Ok(Found::Nothing),
                Role::Assistant => answer = Some(message),
                Role::User | Role::System | Role::Tool => {}
            }
            if step.ends() && matches!(message.role(), Role::Assistant | Role::Tool) {
                return Ok(match answer {
                    Some(answer) if is_whole(answer, message) => Found::Answer(Arc::clone(answer)),
                    // It can be asked again while nothing else followed.
                    _ if after.is_empty() => Found::Unanswered,
                    _ => Found::Nothing,
                });
            }
        }
        Ok(if state.is_unfinished() { Found::CutOff } else { Found::Unanswered })
    }
}

/// Whether a turn with that last answer is one that was answered; `last` is its last message.
pub(super) fn is_whole(answer: &Message, last: &Message) -> bool {
    let has_run = match &last.body {
        Body::ActionResponse { outcome, .. } => {
            !matches!(outcome, Outcome::Cancelled(_) | Outcome::Unknown)
        }
        _ => true,
    };
    answer.status == Status::Complete && has_run
}
