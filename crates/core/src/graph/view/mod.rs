//! The view: the fold of the ops from the root to a head.
//!
//! - `apply` folds one op in.
//! - `brought` is what came from elsewhere.
//! - `cut` takes ops back, and finds where to.
//! - `done` is what named steps of flows gave.
//! - `fold` lets a summary stand for messages.
//! - `groups` finds turn groups.
//! - `pending` is what is known of calls without a result.
//! - `since` is what came or changed after an op.

mod apply;
mod brought;
mod cut;
mod done;
mod fold;
mod groups;
mod pending;
mod shared;
mod since;

use std::sync::Arc;

use rpds::{ListSync, VectorSync};

pub use self::{apply::ApplyError, cut::RollbackError};
use self::{
    brought::{Bring, Brought},
    done::Done,
    fold::{Folds, Stood},
    pending::Pending,
};
use super::{
    lineage::{Lineage, partition},
    op::Step,
};
use crate::{
    config::Config,
    filter::{Filter, Glance, Judge, Senders, Verdict},
    id::{MessageId, OpId},
    message::{Message, ToolCall},
};

/// The conversation as it stands at one head, with its configuration.
///
/// Clones share structure: a clone costs a few reference counts, and a push or an edit on one side
/// copies a path of the tree, never the history. Cutting a view back is O(log n) plus one step for
/// each change that is taken back and is no message at the end.
#[derive(Debug, Clone)]
pub struct View {
    lineage: Lineage,
    /// The message that was put before all others.
    lead: Option<Entry>,
    /// The messages in order. Beyond `length` lie leftovers of what was cut off.
    entries: VectorSync<Entry>,
    length: usize,
    senders: Senders,
    pub(super) standing: u32,
    config: Arc<Config>,
    /// How to take back each change that is no appended message, newest first.
    changes: ListSync<Undo>,
    /// The summaries, and what each stands for.
    folds: Folds,
    open_calls: Arc<[ToolCall]>,
    /// What is known of them; `None` when that is nothing.
    pending: Option<Arc<Pending>>,
    /// What named steps of flows gave.
    done: Done,
    /// What came from elsewhere; `None` when nothing did.
    brought: Option<Arc<Brought>>,
    pub(super) last_step: Option<Step>,
}

/// One message that was appended, or the place where it was.
#[derive(Debug, Clone)]
struct Entry {
    /// The depth of the op that appended it.
    depth: u32,
    /// How many messages stood before it was appended.
    standing_before: u32,
    /// What can be told of it without a look at it.
    glance: Glance,
    /// As it stands; `None` when it was taken out.
    message: Option<Arc<Message>>,
}

/// Where a message is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    /// Before all others.
    Lead,
    /// At this index of the entries.
    Entry(usize),
}

/// How to take back one change.
#[derive(Debug, Clone)]
struct Undo {
    depth: u32,
    standing_before: u32,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    Message { slot: Slot, message: Arc<Message> },
    Lead(Option<Entry>),
    Folds { folds: Folds, messages: Arc<[Stood]> },
    Config(Arc<Config>),
    Pending(Option<Arc<Pending>>),
    Done(Done),
    Brought(Bring),
}

impl Default for View {
    fn default() -> Self {
        Self {
            lineage: Lineage::empty(),
            lead: None,
            entries: VectorSync::new_sync(),
            length: 0,
            senders: Senders::default(),
            standing: 0,
            config: Arc::default(),
            changes: ListSync::new_sync(),
            folds: Folds::new_sync(),
            open_calls: Arc::default(),
            pending: None,
            done: Done::new_sync(),
            brought: None,
            last_step: None,
        }
    }
}

impl View {
    /// The op it ends with; `None` when nothing has happened yet.
    pub fn head(&self) -> Option<OpId> {
        self.lineage.head()
    }

    /// The way to its head.
    pub const fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// How many messages stand.
    pub const fn len(&self) -> usize {
        self.standing as usize
    }

    /// Whether no message stands.
    pub const fn is_empty(&self) -> bool {
        self.standing == 0
    }

    /// The configuration at its head.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The calls of the last answer that have no result yet, in the order of the answer.
    pub fn open_calls(&self) -> &[ToolCall] {
        &self.open_calls
    }

    /// The place of the head in its step; `None` when empty or after a cut.
    pub const fn last_step(&self) -> Option<Step> {
        self.last_step
    }

    /// The messages that stand, oldest first, behind the one that leads them. Copies nothing.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> + '_ {
        let lead = self.lead.iter().filter_map(|lead| lead.message.as_ref());
        let entries = self.entries.iter().take(self.length);
        lead.chain(entries.filter_map(|entry| entry.message.as_ref()))
    }

    /// The messages that `filter` selects, oldest first. Copies nothing; looks only at messages whose
    /// role, kind and sender do not settle it.
    pub fn select<'a>(
        &'a self,
        filter: &'a Filter,
    ) -> impl DoubleEndedIterator<Item = &'a Arc<Message>> + 'a {
        let judge = Judge::new(filter, &self.senders);
        let entries = self.lead.iter().chain(self.entries.iter().take(self.length));
        entries.filter_map(move |entry| match judge.judge(entry.glance) {
            Verdict::No => None,
            Verdict::Yes => entry.message.as_ref(),
            Verdict::Look => entry.message.as_ref().filter(|message| filter.selects(message)),
        })
    }

    /// The message as it stands; `None` when it is not in the view or was taken out.
    pub fn message(&self, id: MessageId) -> Option<&Arc<Message>> {
        self.slot_of(id).and_then(|slot| self.standing_in(slot))
    }

    /// The last message that stands.
    pub fn last(&self) -> Option<&Arc<Message>> {
        let newest = (0..self.length).rev().find_map(|index| self.standing_at(index));
        newest.or_else(|| self.standing_in(Slot::Lead))
    }

    fn slot_of(&self, id: MessageId) -> Option<Slot> {
        let depth = self.lineage.depth_of(id.op())?;
        if self.lead.as_ref().is_some_and(|lead| lead.depth == depth) {
            return Some(Slot::Lead);
        }
        let index = partition(self.length, |index| {
            self.entries.get(index).is_some_and(|entry| entry.depth < depth)
        });
        self.entries.get(index).filter(|entry| index < self.length && entry.depth == depth)?;
        Some(Slot::Entry(index))
    }

    fn standing_in(&self, slot: Slot) -> Option<&Arc<Message>> {
        match slot {
            Slot::Lead => self.lead.as_ref().and_then(|lead| lead.message.as_ref()),
            Slot::Entry(index) => self.standing_at(index),
        }
    }

    fn standing_at(&self, index: usize) -> Option<&Arc<Message>> {
        self.entries.get(index).and_then(|entry| entry.message.as_ref())
    }
}
