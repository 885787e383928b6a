//! Answers beside the first, when one request asks for several.

use std::collections::BTreeMap;

use branchwork_core::{
    id::BranchId,
    message::{Body, Draft, Outcome},
    provider::ProviderEvent,
    turn::Answer,
};

use super::run::Run;
use crate::error::Result;

/// What the other answers said so far, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    answers: BTreeMap<u32, Answer>,
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

    /// What was said, in the order of their numbers.
    pub(super) fn answers(&self) -> impl Iterator<Item = &Answer> + Clone {
        self.answers.values()
    }

    /// The forks that hold them, in their order.
    pub(super) fn forks(&self) -> &[BranchId] {
        &self.forks
    }
}

impl Run {
    /// Gives each of the other answers a fork of its own, where the branch was when the model was asked. An
    /// answer that says nothing gets none.
    pub(super) async fn keep_siblings(&mut self) -> Result<()> {
        for answer in std::mem::take(&mut self.siblings.answers).into_values() {
            if answer.is_empty() {
                continue;
            }
            let (fork, _) = self.keep_on_fork(drafts_of(&answer.body()), None).await?;
            self.siblings.forks.push(fork);
        }
        Ok(())
    }
}

/// An answer, and a result for each of its calls, which do not run.
fn drafts_of(body: &Body) -> Vec<Draft> {
    let calls = match body {
        Body::ActionRequest { calls, .. } => calls.as_slice(),
        _ => &[],
    };
    let reason = "another answer to the same request was taken";
    let result = |call: &branchwork_core::message::ToolCall| {
        Draft::result(call.id.clone(), &call.function, Outcome::Cancelled(reason.to_owned()))
    };
    std::iter::once(Draft::new(body.clone())).chain(calls.iter().map(result)).collect()
}
