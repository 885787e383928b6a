//! Reading from the head backwards: the last page of a branch, whatever its length.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Op, OpKind};
use crate::{
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
            OpKind::Configure(_) | OpKind::Noted(_) | OpKind::Approval { .. } | OpKind::Done(_) => {
            }
            OpKind::Edit { target, body } => {
                // A newer edit was seen first and stands.
                self.edits.entry(target).or_insert((body, op.id));
            }
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

    /// The message with what newer ops say of it; `None` when one took it out.
    fn as_it_stands(&mut self, message: Arc<Message>) -> Option<Arc<Message>> {
        if self.removed.remove(&message.id) {
            return None;
        }
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
