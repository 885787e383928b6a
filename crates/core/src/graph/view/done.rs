//! What named steps of flows gave.

use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use super::{ApplyError, Change, View};
use crate::graph::StepResult;

/// What steps gave, by flow and step.
pub(super) type Done = RedBlackTreeMapSync<(String, String), Arc<StepResult>>;

impl View {
    /// What `step` of `flow` gave; `None` when it is not done.
    pub fn done(&self, flow: &str, step: &str) -> Option<&Arc<StepResult>> {
        self.done.get(&(flow.to_owned(), step.to_owned()))
    }

    pub(super) fn keep_done(
        &mut self,
        depth: u32,
        result: &Arc<StepResult>,
    ) -> Result<(), ApplyError> {
        let (flow, step) = (result.flow.clone(), result.step.clone());
        if self.done(&flow, &step).is_some() {
            return Err(ApplyError::DoneTwice { flow, step });
        }
        let done = self.done.insert((flow, step), Arc::clone(result));
        let before = std::mem::replace(&mut self.done, done);
        self.remember(depth, Change::Done(before));
        Ok(())
    }
}
