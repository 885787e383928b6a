//! Turn groups: an answer that makes calls, with the results of its calls.

use std::{ops::Range, sync::Arc};

use super::{ApplyError, Slot, View};
use crate::{
    id::MessageId,
    message::{Body, Message, ToolCall},
};

impl View {
    /// The messages that go when `id` is removed: itself, or its whole turn group.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`] when it does not stand; [`ApplyError::OpenCalls`] when its
    /// group still waits for results.
    pub fn removed_with(&self, id: MessageId) -> Result<Vec<MessageId>, ApplyError> {
        Ok(self.group_of(id)?.into_iter().map(|message| message.id).collect())
    }

    /// The message of that identifier, or its whole turn group.
    ///
    /// # Errors
    ///
    /// As for [`removed_with`](Self::removed_with).
    pub fn group_of(&self, id: MessageId) -> Result<Vec<Arc<Message>>, ApplyError> {
        let (slot, message) = self.target(id)?;
        let Slot::Entry(index) = slot else { return Ok(vec![message]) };
        let group = self.group(index);
        if self.is_open(&group) {
            return Err(ApplyError::OpenCalls { open: self.open_calls.len() });
        }
        Ok(group.filter_map(|index| self.standing_at(index)).map(Arc::clone).collect())
    }

    /// Whether calls of a group wait for their results.
    pub(super) fn is_open(&self, group: &Range<usize>) -> bool {
        group.end == self.length && !self.open_calls.is_empty()
    }

    /// The calls of the last group that have no result, found by looking at it.
    pub(super) fn unanswered(&self) -> Arc<[ToolCall]> {
        let Some(last) = self.length.checked_sub(1) else { return Arc::default() };
        let group = self.group(last);
        let Some(Body::ActionRequest { calls, .. }) =
            self.standing_at(group.start).map(|message| &message.body)
        else {
            return Arc::default();
        };
        let answered = |id| {
            group.clone().filter_map(|index| self.standing_at(index)).any(
                |message| matches!(&message.body, Body::ActionResponse { call, .. } if call == id),
            )
        };
        calls.iter().filter(|call| !answered(&call.id)).cloned().collect()
    }

    /// The entries of the turn group around `index`; just `index` when it is in none.
    pub(super) fn group(&self, index: usize) -> Range<usize> {
        let is_result = |index: usize| {
            self.standing_at(index)
                .is_some_and(|message| matches!(message.body, Body::ActionResponse { .. }))
        };
        let mut start = index;
        while start > 0 && is_result(start) {
            start -= 1;
        }
        let is_request = self
            .standing_at(start)
            .is_some_and(|message| matches!(message.body, Body::ActionRequest { .. }));
        if !is_request {
            return index..index + 1;
        }
        let mut end = start + 1;
        while end < self.length && is_result(end) {
            end += 1;
        }
        start..end
    }
}
