//! Taking ops back, and finding where to.

use super::{ApplyError, Change, Slot, View, partition};
use crate::id::{MessageId, OpId};

/// Why a view cannot be rolled back that far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot roll back {asked} messages: the branch has {standing}")]
pub struct RollbackError {
    /// How many messages should go.
    pub asked: usize,
    /// How many there are.
    pub standing: u32,
}

impl View {
    /// This view as it was at `head`, which must be one of its ops; `None` is the empty view.
    ///
    /// # Errors
    ///
    /// [`ApplyError::WrongParent`] when `head` is not on the way to this view's head.
    pub fn at(&self, head: Option<OpId>) -> Result<Self, ApplyError> {
        let depth = match head {
            None => 0,
            Some(op) => self.lineage.depth_of(op).ok_or(ApplyError::WrongParent)?,
        };
        let mut view = self.clone();
        if depth < self.lineage.depth() {
            view.truncate(depth);
        }
        Ok(view)
    }

    /// The op to move to so that `id` is the last message. A turn group is kept whole: for a
    /// message inside one, that is the group's last result.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`] when it does not stand in this view,
    /// [`ApplyError::NeverLast`] when it was put before messages that were there.
    pub fn head_at(&self, id: MessageId) -> Result<OpId, ApplyError> {
        let unknown = ApplyError::UnknownMessage { id };
        let entry = match self.target(id)?.0 {
            Slot::Lead => match &self.lead {
                Some(lead) if lead.standing_before > 0 => return Err(ApplyError::NeverLast { id }),
                lead => lead.as_ref(),
            },
            Slot::Entry(index) => {
                let group = self.group(index);
                if self.is_open(&group) {
                    // What is noted of its calls lies behind it.
                    return self.head().ok_or(unknown);
                }
                self.entries.get(group.end - 1)
            }
        };
        entry.and_then(|entry| self.lineage.op_at(entry.depth)).ok_or(unknown)
    }

    /// The op to move to so that the last `count` messages are gone; `None` is the beginning.
    /// A turn group goes as a whole, so one message more may go than was asked for. What was
    /// changed since the oldest of them came goes with it, and that it came by mail or by a merge.
    ///
    /// # Errors
    ///
    /// [`RollbackError`] when fewer messages stand.
    pub fn head_before_last(&self, count: usize) -> Result<Option<OpId>, RollbackError> {
        let error = RollbackError { asked: count, standing: self.standing };
        if count == 0 {
            return Ok(self.head());
        }
        if count > self.len() {
            return Err(error);
        }
        let nth = (0..self.length)
            .rev()
            .filter(|index| self.standing_at(*index).is_some())
            .nth(count - 1)
            .map(|index| self.group(index).start);
        // The lead is the last to go; what was before the first message stays.
        let Some(first) = nth else {
            let lead = self.lead.iter().map(|lead| lead.depth);
            let first = self.entries.iter().take(self.length.min(1)).map(|entry| entry.depth);
            let depth = lead.chain(first).min().ok_or(error)?;
            return Ok(self.lineage.op_at(depth - 1));
        };
        let depth = self.entries.get(first).map(|entry| entry.depth).ok_or(error)?;
        let last = first.checked_sub(1).and_then(|before| self.entries.get(before));
        let last = last.map_or(0, |last| last.depth);
        let message = self.standing_at(first).map(AsRef::as_ref);
        Ok(self.lineage.op_at(self.announced_from(message, depth, last) - 1))
    }

    /// Takes back everything after `depth` ops.
    fn truncate(&mut self, depth: u32) {
        // The oldest thing that is taken back knows how many messages stood before it.
        let mut oldest = (u32::MAX, self.standing);
        while let Some(undo) = self.changes.first().filter(|undo| undo.depth > depth).cloned() {
            self.changes.drop_first_mut();
            oldest = (undo.depth, undo.standing_before);
            match undo.change {
                Change::Config(config) => self.config = config,
                Change::Pending(pending) => self.pending = pending,
                Change::Folds { folds, messages } => self.stand_again(folds, &messages),
                Change::Done(done) => self.done = done,
                Change::Brought(bring) => self.take_away(bring),
                Change::Lead(lead) => self.lead = lead,
                Change::Message { slot, message } => self.replace(slot, Some(message)),
            }
        }
        let length = partition(self.length, |index| {
            self.entries.get(index).is_some_and(|entry| entry.depth <= depth)
        });
        if let Some(entry) = self.entries.get(length).filter(|_| length < self.length)
            && entry.depth < oldest.0
        {
            oldest = (entry.depth, entry.standing_before);
        }
        self.length = length;
        self.standing = oldest.1;
        self.lineage.truncate(depth);
        self.last_step = None;
        self.open_calls = self.unanswered();
    }
}
