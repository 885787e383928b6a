//! What came or changed after an op: found from the end, so it costs what it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::{ApplyError, Change, Slot, View, partition};
use crate::{
    id::MessageId,
    message::{Message, Role},
};

impl View {
    /// The messages that stand and came after the first `depth` ops, oldest first, behind a leading one.
    pub fn messages_since(&self, depth: u32) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        let standing = move |index| self.standing_at(index);
        self.lead_since(depth).into_iter().chain(self.since(depth).filter_map(standing))
    }

    /// As [`messages_since`](Self::messages_since), with those that a summary stands for in its place,
    /// also when it stands before them.
    pub fn said_since(&self, depth: u32) -> Vec<&Arc<Message>> {
        let lead = self.lead_since(depth).into_iter();
        lead.chain(self.said_in(self.since(depth))).collect()
    }

    /// The turn group that `id` is in, as it stands; for a summary, what was said that it stands for.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`] when it does not stand.
    pub fn said_with(&self, id: MessageId) -> Result<Vec<&Arc<Message>>, ApplyError> {
        let (slot, _) = self.target(id)?;
        let Slot::Entry(index) = slot else {
            return Ok(self.standing_in(slot).into_iter().collect());
        };
        let mut end = index;
        for fold in self.standing_folds() {
            if let Some((_, last)) =
                fold.span().filter(|(first, _)| *first == index || (index..end).contains(first))
            {
                end = end.max(last + 1);
            }
        }
        if end == index {
            return Ok(self.group(index).filter_map(|index| self.standing_at(index)).collect());
        }
        let said = self.said_in(index..end).into_iter();
        Ok(said.filter(|message| message.role() != Role::System).collect())
    }

    /// The messages of the first `depth` ops that were changed since: edited, taken out, folded or
    /// unfolded. Oldest first.
    pub fn touched_since(&self, depth: u32) -> Vec<MessageId> {
        let end = self.since(depth).start;
        let mut touched = BTreeSet::new();
        for undo in self.changes.iter().take_while(|undo| undo.depth > depth) {
            match &undo.change {
                Change::Message { slot, .. } => drop(touched.insert(*slot)),
                Change::Folds { messages, .. } => {
                    touched.extend(messages.iter().map(|(slot, _)| *slot));
                }
                Change::Lead(_)
                | Change::Config(_)
                | Change::Pending(_)
                | Change::Done(_)
                | Change::Brought(_) => {}
            }
        }
        let old = touched.into_iter().filter_map(|slot| match slot {
            Slot::Lead => self.lead.as_ref().map(|lead| lead.depth).filter(|lead| *lead <= depth),
            Slot::Entry(index) if index < end => self.entries.get(index).map(|entry| entry.depth),
            Slot::Entry(_) => None,
        });
        old.filter_map(|depth| self.lineage.op_at(depth)).map(MessageId::from).collect()
    }

    fn lead_since(&self, depth: u32) -> Option<&Arc<Message>> {
        self.lead.as_ref().filter(|lead| lead.depth > depth)?.message.as_ref()
    }

    pub(super) fn since(&self, depth: u32) -> Range<usize> {
        let before = |index| self.entries.get(index).is_some_and(|entry| entry.depth <= depth);
        partition(self.length, before)..self.length
    }

    fn said_in(&self, range: Range<usize>) -> Vec<&Arc<Message>> {
        // What an older fold hides, a newer one hides as its summary.
        let mut folded = BTreeMap::new();
        for fold in self.standing_folds() {
            folded.extend(fold.from(range.start).filter(|(index, _)| range.contains(index)));
        }
        let said = |index| folded.get(&index).copied().or_else(|| self.standing_at(index));
        range.filter_map(said).collect()
    }
}
