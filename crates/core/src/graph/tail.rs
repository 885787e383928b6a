//! Reading from the head backwards: the last page of a branch, whatever its length.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Op, OpKind, op::summary_in_place_of};
use crate::{
    clock::Timestamp,
    id::{MessageId, OpId},
    message::{Body, Message},
};

/// Folds ops from the newest to the oldest until it has enough messages.
///
/// Edits and removals come before what they change when reading backwards, so one pass suffices.
#[derive(Debug)]
pub struct Tail {
    wanted: usize,
    /// Newest first.
    messages: Vec<Arc<Message>>,
    /// The one before all others.
    lead: Option<Arc<Message>>,
    edits: BTreeMap<MessageId, (Body, OpId)>,
    removed: BTreeSet<MessageId>,
    /// How many folds of a summary are taken back by newer ops.
    unfolded: BTreeMap<MessageId, u32>,
    /// What stands in the place of a message, as an op says that was seen.
    summaries: BTreeMap<MessageId, Summary>,
}

/// A summary, and what made it when.
#[derive(Debug)]
struct Summary {
    text: String,
    op: OpId,
    at: Timestamp,
}

impl Tail {
    /// Wants the last `wanted` messages.
    pub const fn new(wanted: usize) -> Self {
        Self {
            wanted,
            messages: Vec::new(),
            lead: None,
            edits: BTreeMap::new(),
            removed: BTreeSet::new(),
            unfolded: BTreeMap::new(),
            summaries: BTreeMap::new(),
        }
    }

    /// Whether it has as many messages as it wants.
    pub const fn is_full(&self) -> bool {
        self.messages.len() >= self.wanted
    }

    /// Takes the next older op; ignored once it is full.
    pub fn push(&mut self, op: Op) {
        if self.is_full() {
            return;
        }
        match op.kind {
            OpKind::Configure(_)
            | OpKind::Noted(_)
            | OpKind::Approval { .. }
            | OpKind::Done(_)
            | OpKind::Merge(_)
            | OpKind::Receive { .. } => {}
            OpKind::Edit { target, body } => self.edit(target, body, op.id),
            OpKind::Fold { targets, summary } => {
                let place = Summary { text: summary, op: op.id, at: op.at };
                self.fold(targets, place);
            }
            OpKind::Unfold { target } => *self.unfolded.entry(target).or_default() += 1,
            OpKind::Remove { targets } => self.removed.extend(targets),
            OpKind::Message(message) => {
                let message = self.as_it_stands(message);
                self.messages.extend(message);
            }
            OpKind::Lead(message) => {
                let message = self.as_it_stands(message);
                self.lead = self.lead.take().or(message);
            }
        }
    }

    fn edit(&mut self, target: MessageId, body: Body, op: OpId) {
        // One of a summary that is unfolded since is gone with it; one of a message that is folded since
        // is not seen; a newer one was seen first and stands.
        if !self.unfolded.contains_key(&target) && !self.summaries.contains_key(&target) {
            self.edits.entry(target).or_insert((body, op));
        }
    }

    fn fold(&mut self, targets: Vec<MessageId>, summary: Summary) {
        let Some(first) = targets.first().copied() else { return };
        if let Some(count) = self.unfolded.get_mut(&first) {
            *count -= 1;
            if *count == 0 {
                self.unfolded.remove(&first);
            }
            return;
        }
        self.removed.extend(targets.into_iter().skip(1));
        // A newer summary of this one stands.
        self.summaries.entry(first).or_insert(summary);
    }

    /// The message with what newer ops say of it; `None` when one took it out.
    fn as_it_stands(&mut self, message: Arc<Message>) -> Option<Arc<Message>> {
        if self.removed.remove(&message.id) {
            return None;
        }
        let message = match self.summaries.remove(&message.id) {
            None => message,
            Some(Summary { text, op, at }) => {
                Arc::new(summary_in_place_of(&message, &text, (op, at)))
            }
        };
        Some(match self.edits.remove(&message.id) {
            Some((body, op)) => Arc::new(Message { body, edited: Some(op), ..(*message).clone() }),
            None => message,
        })
    }

    /// The messages, oldest first.
    pub fn into_messages(mut self) -> Vec<Arc<Message>> {
        // It is on the page when everything behind it is, and there is room for it.
        if !self.is_full() {
            self.messages.extend(self.lead.take());
        }
        self.messages.reverse();
        self.messages
    }
}
