//! Answers beside the first, when one request asks for several.

use std::collections::BTreeMap;

use branchwork_core::{
    graph::Extent,
    id::BranchId,
    message::{Body, Draft, Outcome, Status, ToolCall},
    provider::ProviderEvent,
    turn::Answer,
};

use super::{answer_fork::AnswerFork, run::Run};
use crate::branch::Branch;

/// What the other answers said so far, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    answers: BTreeMap<u32, Answer>,
    /// What is to be written of them with the first answer.
    to_write: Vec<AnswerFork>,
    /// The forks that hold them.
    forks: Vec<BranchId>,
}

impl Siblings {
    /// Takes what one of them says; what belongs to the call as a whole is nothing to them.
    pub(super) fn hear(&mut self, event: &ProviderEvent) {
        match event {
            ProviderEvent::Sibling { choice, event } => {
                self.answers.entry(*choice).or_default().push((**event).clone());
            }
            ProviderEvent::Retried(_) => self.answers.clear(),
            _ => {}
        }
    }

    /// What they said so far, in the order of their numbers.
    pub(super) fn answers(&self) -> impl Iterator<Item = &Answer> + Clone {
        self.answers.values()
    }

    /// What is to be written of them.
    pub(super) fn to_write(&self) -> &[AnswerFork] {
        &self.to_write
    }

    /// It is written, on forks of `branch`.
    pub(super) fn written(&mut self, branch: &Branch) {
        for fork in std::mem::take(&mut self.to_write) {
            branch.engine().tool_sets().fork(branch.id(), fork.branch());
            self.forks.push(fork.branch());
        }
    }

    /// The forks that hold them, in their order.
    pub(super) fn forks(&self) -> &[BranchId] {
        &self.forks
    }
}

impl Run {
    /// Gives each of the other answers a fork of its own, to be written where the branch was when the model was
    /// asked. An answer that says nothing, or cannot be a message, gets none: the first one is not to fail for
    /// it.
    pub(super) fn take_siblings(&mut self, is_failed: bool) {
        let first = self.turn.answer();
        let broken = match first.finish() {
            None if !is_failed => Status::Interrupted,
            _ => Status::Failed,
        };
        let answers = std::mem::take(&mut self.siblings.answers).into_values();
        let said = answers.filter(|answer| !answer.is_empty());
        let forks = said.filter_map(|answer| {
            let status = answer.finish().map_or(broken, |_| Status::Complete);
            let drafts = drafts_of(&answer.body(), status);
            AnswerFork::new(&self.branch, &self.state.view, (drafts, Extent::End)).ok()
        });
        self.siblings.to_write = forks.collect();
    }
}

/// An answer, and a result for each of its calls, which do not run.
fn drafts_of(body: &Body, status: Status) -> Vec<Draft> {
    let calls = match body {
        Body::ActionRequest { calls, .. } => calls.as_slice(),
        _ => &[],
    };
    let reason = "another answer to the same request was taken";
    let result = |call: &ToolCall| {
        Draft::result(call.id.clone(), &call.function, Outcome::Cancelled(reason.to_owned()))
    };
    let answer = Draft::new(body.clone()).with_status(status);
    std::iter::once(answer).chain(calls.iter().map(result)).collect()
}
