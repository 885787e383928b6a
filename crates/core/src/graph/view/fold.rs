//! Folding messages into a summary, and unfolding them.

use std::sync::Arc;

use rpds::ListSync;

use super::{ApplyError, Change, Slot, View};
use crate::{
    clock::Timestamp,
    graph::op::summary_in_place_of,
    id::{MessageId, OpId},
    message::{Message, Role},
};

/// Messages that a summary stands for.
#[derive(Debug)]
pub(super) struct Folded {
    /// Where they are, and how they stood. The summary stands in the place of the first.
    messages: Vec<(Slot, Arc<Message>)>,
}

/// The folds of a view, newest first.
pub(super) type Folds = ListSync<Arc<Folded>>;

/// How a message stood at a place; `None` when none did.
pub(super) type Stood = (Slot, Option<Arc<Message>>);

impl View {
    /// The messages from `first` to `last`, as far as they can be folded: turn groups as a whole, and no
    /// system message.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`] when one of the two does not stand; [`ApplyError::OpenCalls`] when
    /// a group waits for results; [`ApplyError::NothingToFold`].
    pub fn foldable(
        &self,
        first: MessageId,
        last: MessageId,
    ) -> Result<Vec<MessageId>, ApplyError> {
        let (first, last) = (self.target(first)?.0, self.target(last)?.0);
        let group_of = |slot: Slot| match slot {
            Slot::Lead => 0..0,
            Slot::Entry(index) => self.group(index),
        };
        let (first, last) = (group_of(first), group_of(last));
        if self.is_open(&last) {
            return Err(ApplyError::OpenCalls { open: self.open_calls.len() });
        }
        let standing = (first.start..last.end).filter_map(|index| self.standing_at(index));
        let folded = standing.filter(|message| message.role() != Role::System);
        let folded: Vec<_> = folded.map(|message| message.id).collect();
        if folded.is_empty() { Err(ApplyError::NothingToFold) } else { Ok(folded) }
    }

    /// The messages that the summary `id` stands for, oldest first; `None` when it is no summary.
    pub fn folded(&self, id: MessageId) -> Option<impl Iterator<Item = &Arc<Message>>> {
        let slot = self.target(id).ok()?.0;
        let fold = self.folds.iter().find(|fold| fold.is_at(slot))?;
        Some(fold.messages.iter().map(|(_, message)| message))
    }

    /// The summary that stands for the message `id`; `None` when none does.
    pub fn summary_of(&self, id: MessageId) -> Option<&Arc<Message>> {
        let slot = self.slot_of(id)?;
        // A summary stands in the place of the first of its messages, also for a newer one.
        let into = |slot: Slot, fold: &&Folded| match fold.messages.first() {
            Some((first, _)) if fold.holds(slot) => *first,
            _ => slot,
        };
        let folds = self.standing_folds();
        if folds.iter().any(|fold| fold.holds(slot)) {
            self.standing_in(folds.iter().rev().fold(slot, into))
        } else {
            None
        }
    }

    /// The folds whose summaries stand, or stand in another that does; newest first.
    pub(super) fn standing_folds(&self) -> Vec<&Folded> {
        let mut standing: Vec<&Folded> = Vec::new();
        for fold in &self.folds {
            let Some((first, _)) = fold.messages.first() else { continue };
            let is_within = standing.iter().any(|newer| newer.holds(*first));
            if is_within || self.standing_in(*first).is_some() {
                standing.push(fold);
            }
        }
        standing
    }

    pub(super) fn fold(
        &mut self,
        depth: u32,
        targets: &[MessageId],
        summary: &str,
        (op, at): (OpId, Timestamp),
    ) -> Result<(), ApplyError> {
        let (Some(from), Some(to)) = (targets.first(), targets.last()) else {
            return Err(ApplyError::NothingToFold);
        };
        if self.foldable(*from, *to)? != targets {
            return Err(ApplyError::NotWhole);
        }
        let messages = targets.iter().map(|id| self.target(*id)).collect::<Result<Vec<_>, _>>()?;
        let Some((slot, first)) = messages.first().cloned() else {
            return Err(ApplyError::NothingToFold);
        };
        let before = self.stood(&messages);
        for (slot, _) in &messages {
            self.replace(*slot, None);
        }
        let summary = summary_in_place_of(&first, summary, (op, at));
        self.replace(slot, Some(Arc::new(summary)));
        let gone = u32::try_from(messages.len() - 1).unwrap_or(u32::MAX);
        let folds = self.folds.push_front(Arc::new(Folded { messages }));
        self.refold(depth, folds, before);
        self.standing = self.standing.saturating_sub(gone);
        Ok(())
    }

    pub(super) fn unfold(&mut self, depth: u32, target: MessageId) -> Result<(), ApplyError> {
        let (slot, _) = self.target(target)?;
        let fold = self.folds.iter().find(|fold| fold.is_at(slot)).map(Arc::clone);
        let fold = fold.ok_or(ApplyError::NotFolded { id: target })?;
        let before = self.stood(&fold.messages);
        for (slot, message) in &fold.messages {
            self.replace(*slot, Some(Arc::clone(message)));
        }
        let others = self.folds.iter().filter(|other| !Arc::ptr_eq(other, &fold));
        let others: Vec<_> = others.map(Arc::clone).collect();
        let folds =
            others.into_iter().rev().fold(Folds::new_sync(), |folds, fold| folds.push_front(fold));
        self.refold(depth, folds, before);
        let back = u32::try_from(fold.messages.len() - 1).unwrap_or(u32::MAX);
        self.standing = self.standing.saturating_add(back);
        Ok(())
    }

    /// Takes a fold, or its end, back.
    pub(super) fn stand_again(&mut self, folds: Folds, messages: &[Stood]) {
        self.folds = folds;
        for (slot, message) in messages {
            self.replace(*slot, message.clone());
        }
    }

    fn refold(&mut self, depth: u32, folds: Folds, before: Vec<Stood>) {
        let folds = std::mem::replace(&mut self.folds, folds);
        self.remember(depth, Change::Folds { folds, messages: before.into() });
    }

    fn stood(&self, messages: &[(Slot, Arc<Message>)]) -> Vec<Stood> {
        let stood = |(slot, _): &(Slot, _)| (*slot, self.standing_in(*slot).map(Arc::clone));
        messages.iter().map(stood).collect()
    }
}

impl Folded {
    /// The messages from the entry at `start` on, newest first.
    pub(super) fn from(&self, start: usize) -> impl Iterator<Item = (usize, &Arc<Message>)> {
        self.messages.iter().rev().map_while(move |(slot, message)| match slot {
            Slot::Entry(index) if *index >= start => Some((*index, message)),
            _ => None,
        })
    }

    /// The entries of its first and its last message.
    pub(super) fn span(&self) -> Option<(usize, usize)> {
        match (self.messages.first()?.0, self.messages.last()?.0) {
            (Slot::Entry(first), Slot::Entry(last)) => Some((first, last)),
            _ => None,
        }
    }

    fn holds(&self, slot: Slot) -> bool {
        self.messages.binary_search_by_key(&slot, |(slot, _)| *slot).is_ok()
    }

    fn is_at(&self, slot: Slot) -> bool {
        self.messages.first().is_some_and(|(first, _)| *first == slot)
    }
}
