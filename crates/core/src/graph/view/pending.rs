//! What is known of calls that have no result yet: how some ended, and which wait for approval.

use std::sync::Arc;

use super::{ApplyError, Change, View};
use crate::{
    graph::op::{Approval, CallResult},
    message::{CallId, ToolCall},
};

/// What is known of the open calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    /// What came of some and is not told yet.
    noted: Vec<Arc<CallResult>>,
    /// Those that a person is asked about.
    asked: Vec<CallId>,
    /// Those of them that may run.
    given: Vec<CallId>,
    /// The turn went on since.
    is_used: bool,
}

impl Pending {
    fn is_noted(&self, call: &CallId) -> bool {
        self.noted.iter().any(|noted| noted.call == *call)
    }

    /// Whether a person is asked about the call and has not answered.
    fn is_waiting(&self, call: &CallId) -> bool {
        self.asked.contains(call) && !self.given.contains(call) && !self.is_noted(call)
    }
}

impl View {
    /// What came of an open call, when that is noted and not told yet.
    pub fn noted(&self, call: &CallId) -> Option<&Arc<CallResult>> {
        self.pending.as_ref()?.noted.iter().find(|noted| noted.call == *call)
    }

    /// Whether the last answer asks for calls that need approval, and its turn did not go on since.
    /// None of its calls has run.
    pub fn is_parked(&self) -> bool {
        self.pending.as_ref().is_some_and(|known| !known.asked.is_empty() && !known.is_used)
    }

    /// The calls that wait to be approved or denied, in the order of the answer.
    pub fn waiting_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.open_calls.iter().filter(|call| self.is_waiting(&call.id))
    }

    /// Whether the call waits to be approved or denied.
    pub(crate) fn is_waiting(&self, call: &CallId) -> bool {
        self.pending.as_ref().is_some_and(|known| known.is_waiting(call))
    }

    pub(super) fn note(&mut self, depth: u32, result: &Arc<CallResult>) -> Result<(), ApplyError> {
        let is_open = self.open_calls.iter().any(|open| open.id == result.call);
        if !is_open || self.noted(&result.call).is_some() {
            return Err(ApplyError::UnknownCall { call: result.call.to_string() });
        }
        self.change_pending(depth, |pending| pending.noted.push(Arc::clone(result)));
        Ok(())
    }

    pub(super) fn approve(
        &mut self,
        depth: u32,
        calls: &[CallId],
        stage: Approval,
    ) -> Result<(), ApplyError> {
        let is_asked =
            |call: &CallId| self.pending.as_ref().is_some_and(|known| known.asked.contains(call));
        let fits = |call: &&CallId| match stage {
            Approval::Asked => {
                let is_open = self.open_calls.iter().any(|open| open.id == **call);
                is_open && !is_asked(call) && self.noted(call).is_none()
            }
            Approval::Given => self.is_waiting(call),
            Approval::Used => true,
        };
        if stage == Approval::Used && !self.is_parked() {
            return Err(ApplyError::NotParked);
        }
        if let Some(call) = calls.iter().find(|call| !fits(call)) {
            return Err(ApplyError::NotAsked { call: call.to_string() });
        }
        self.change_pending(depth, |pending| match stage {
            Approval::Asked => pending.asked.extend_from_slice(calls),
            Approval::Given => pending.given.extend_from_slice(calls),
            Approval::Used => pending.is_used = true,
        });
        Ok(())
    }

    /// Forgets what was pending, once all calls are told.
    pub(super) fn settle(&mut self, depth: u32) {
        if self.open_calls.is_empty()
            && let Some(before) = self.pending.take()
        {
            self.remember(depth, Change::Pending(Some(before)));
        }
    }

    fn change_pending(&mut self, depth: u32, change: impl FnOnce(&mut Pending)) {
        let before = self.pending.clone();
        change(Arc::make_mut(self.pending.get_or_insert_default()));
        self.remember(depth, Change::Pending(before));
    }
}
