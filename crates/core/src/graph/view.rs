//! The view: the fold of the ops from the root to a head.

use std::{ops::Range, sync::Arc};

use rpds::{ListSync, VectorSync};

use super::{
    lineage::{Lineage, partition},
    op::{Op, OpKind, Step},
};
use crate::{
    config::Config,
    id::{MessageId, OpId},
    message::{Body, BodyKind, Message, ToolCall},
};

/// The conversation as it stands at one head, with its configuration.
///
/// Clones share structure: a clone costs a few reference counts, and a push or an edit on one side
/// copies a path of the tree, never the history. Cutting a view back is O(log n) plus one step for
/// each edit, removal or configuration that is taken back.
#[derive(Debug, Clone)]
pub struct View {
    lineage: Lineage,
    /// The messages in order. Beyond `length` lie leftovers of what was cut off.
    entries: VectorSync<Entry>,
    length: usize,
    pub(super) standing: u32,
    config: Arc<Config>,
    /// How to take back each edit, removal and configuration, newest first.
    changes: ListSync<Undo>,
    open_calls: Arc<[ToolCall]>,
    pub(super) last_step: Option<Step>,
}

/// One message that was appended, or the place where it was.
#[derive(Debug, Clone)]
struct Entry {
    /// The depth of the op that appended it.
    depth: u32,
    /// How many messages stood before it was appended.
    standing_before: u32,
    /// As it stands; `None` when it was taken out.
    message: Option<Arc<Message>>,
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
    Entry { index: usize, message: Arc<Message> },
    Config(Arc<Config>),
}

/// Why an op cannot follow a view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The op builds on another op than the head of the view.
    #[error("the op does not build on the head of the branch")]
    WrongParent,
    /// The message is not in the view.
    #[error("message {id} is not in this branch")]
    UnknownMessage {
        /// The message asked for.
        id: MessageId,
    },
    /// A result for a call that nobody made, or that has its result.
    #[error("no open call has the identifier `{call}`")]
    UnknownCall {
        /// The identifier.
        call: String,
    },
    /// Something else than a result comes while calls wait for theirs.
    #[error("{open} tool calls have no result yet")]
    OpenCalls {
        /// How many.
        open: usize,
    },
    /// An edit would turn a message into another kind of message, or change a record.
    #[error("a message of kind {from} cannot be edited into one of kind {to}")]
    CannotEdit {
        /// The kind it is.
        from: BodyKind,
        /// The kind it would be.
        to: BodyKind,
    },
    /// The history has as many ops as a history can have.
    #[error("the branch has as many ops as a branch can have")]
    Full,
}

/// Why a view cannot be rolled back that far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot roll back {asked} messages: the branch has {standing}")]
pub struct RollbackError {
    /// How many messages should go.
    pub asked: usize,
    /// How many there are.
    pub standing: u32,
}

impl Default for View {
    fn default() -> Self {
        Self {
            lineage: Lineage::empty(),
            entries: VectorSync::new_sync(),
            length: 0,
            standing: 0,
            config: Arc::default(),
            changes: ListSync::new_sync(),
            open_calls: Arc::default(),
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

    /// The messages that stand, oldest first. Copies nothing.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> + '_ {
        self.entries.iter().take(self.length).filter_map(|entry| entry.message.as_ref())
    }

    /// The message as it stands; `None` when it is not in the view or was taken out.
    pub fn message(&self, id: MessageId) -> Option<&Arc<Message>> {
        self.index_of(id).and_then(|index| self.standing_at(index))
    }

    /// The last message that stands.
    pub fn last(&self) -> Option<&Arc<Message>> {
        (0..self.length).rev().find_map(|index| self.standing_at(index))
    }

    /// Folds `op` in.
    ///
    /// # Errors
    ///
    /// What would make the history illegal; then the view is unchanged.
    pub fn apply(&mut self, op: &Op) -> Result<(), ApplyError> {
        if op.parent != self.head() {
            return Err(ApplyError::WrongParent);
        }
        let depth = self.lineage.depth().checked_add(1).ok_or(ApplyError::Full)?;
        match &op.kind {
            OpKind::Message(message) => self.push(depth, message)?,
            OpKind::Edit { target, body } => self.edit(depth, *target, body, op.id)?,
            OpKind::Remove { targets } => self.remove(depth, targets)?,
            OpKind::Configure(patch) => {
                let config = Arc::new(self.config.patched(patch));
                let before = std::mem::replace(&mut self.config, config);
                self.remember(depth, Change::Config(before));
            }
        }
        self.lineage.push(op.id);
        self.last_step = Some(op.step);
        Ok(())
    }

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
    /// [`ApplyError::UnknownMessage`] when it does not stand in this view.
    pub fn head_at(&self, id: MessageId) -> Result<OpId, ApplyError> {
        let unknown = ApplyError::UnknownMessage { id };
        let index = self.index_of(id).ok_or(unknown.clone())?;
        self.standing_at(index).ok_or(unknown.clone())?;
        let last = self.group(index).end - 1;
        self.entries.get(last).and_then(|entry| self.lineage.op_at(entry.depth)).ok_or(unknown)
    }

    /// The op to move to so that the last `count` messages are gone; `None` is the beginning.
    /// A turn group goes as a whole, so one message more may go than was asked for.
    ///
    /// # Errors
    ///
    /// [`RollbackError`] when fewer messages stand.
    pub fn head_before_last(&self, count: usize) -> Result<Option<OpId>, RollbackError> {
        let error = RollbackError { asked: count, standing: self.standing };
        if count == 0 {
            return Ok(self.head());
        }
        let index = (0..self.length)
            .rev()
            .filter(|index| self.standing_at(*index).is_some())
            .nth(count - 1)
            .ok_or(error)?;
        let first = self.group(index).start;
        let depth = self.entries.get(first).map(|entry| entry.depth).ok_or(error)?;
        Ok(self.lineage.op_at(depth - 1))
    }

    /// The messages that go when `id` is removed: itself, or its whole turn group.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`] when it does not stand; [`ApplyError::OpenCalls`] when its
    /// group still waits for results.
    pub fn removed_with(&self, id: MessageId) -> Result<Vec<MessageId>, ApplyError> {
        let unknown = ApplyError::UnknownMessage { id };
        let index = self.index_of(id).ok_or(unknown.clone())?;
        self.standing_at(index).ok_or(unknown)?;
        let group = self.group(index);
        if group.end == self.length && !self.open_calls.is_empty() {
            return Err(ApplyError::OpenCalls { open: self.open_calls.len() });
        }
        Ok(group.filter_map(|index| self.standing_at(index)).map(|message| message.id).collect())
    }

    fn push(&mut self, depth: u32, message: &Arc<Message>) -> Result<(), ApplyError> {
        let open_calls = self.open_calls_after(&message.body)?;
        let entry =
            Entry { depth, standing_before: self.standing, message: Some(Arc::clone(message)) };
        if self.length < self.entries.len() {
            self.entries.set_mut(self.length, entry);
        } else {
            self.entries.push_back_mut(entry);
        }
        self.length += 1;
        self.standing += 1;
        if let Some(open_calls) = open_calls {
            self.open_calls = open_calls;
        }
        Ok(())
    }

    /// The open calls once `body` is appended; `None` when they stay as they are.
    fn open_calls_after(&self, body: &Body) -> Result<Option<Arc<[ToolCall]>>, ApplyError> {
        if let Body::ActionResponse { call, .. } = body {
            let rest: Vec<_> =
                self.open_calls.iter().filter(|open| open.id != *call).cloned().collect();
            if rest.len() == self.open_calls.len() {
                return Err(ApplyError::UnknownCall { call: call.to_string() });
            }
            return Ok(Some(rest.into()));
        }
        if !self.open_calls.is_empty() {
            return Err(ApplyError::OpenCalls { open: self.open_calls.len() });
        }
        match body {
            Body::ActionRequest { calls, .. } => Ok(Some(calls.as_slice().into())),
            _ => Ok(None),
        }
    }

    fn edit(
        &mut self,
        depth: u32,
        target: MessageId,
        body: &Body,
        op: OpId,
    ) -> Result<(), ApplyError> {
        let unknown = ApplyError::UnknownMessage { id: target };
        let index = self.index_of(target).ok_or(unknown.clone())?;
        let message = self.standing_at(index).map(Arc::clone).ok_or(unknown)?;
        check_edit(&message.body, body)?;
        let edited = Message { body: body.clone(), edited: Some(op), ..(*message).clone() };
        self.replace(index, Some(Arc::new(edited)));
        self.remember(depth, Change::Entry { index, message });
        Ok(())
    }

    fn remove(&mut self, depth: u32, targets: &[MessageId]) -> Result<(), ApplyError> {
        let mut removed = Vec::with_capacity(targets.len());
        for id in targets {
            let unknown = ApplyError::UnknownMessage { id: *id };
            let index = self.index_of(*id).ok_or(unknown.clone())?;
            let message = self.standing_at(index).map(Arc::clone).ok_or(unknown)?;
            removed.push((index, message));
        }
        for (index, message) in removed {
            self.remember(depth, Change::Entry { index, message });
            self.replace(index, None);
            self.standing -= 1;
        }
        Ok(())
    }

    fn remember(&mut self, depth: u32, change: Change) {
        self.changes.push_front_mut(Undo { depth, standing_before: self.standing, change });
    }

    fn replace(&mut self, index: usize, message: Option<Arc<Message>>) {
        if let Some(entry) = self.entries.get(index) {
            let entry = Entry { message, ..entry.clone() };
            self.entries.set_mut(index, entry);
        }
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
                Change::Entry { index, message } => self.replace(index, Some(message)),
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

    /// The calls of the last group that have no result, found by looking at it.
    fn unanswered(&self) -> Arc<[ToolCall]> {
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
    fn group(&self, index: usize) -> Range<usize> {
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

    fn index_of(&self, id: MessageId) -> Option<usize> {
        let depth = self.lineage.depth_of(id.op())?;
        let index = partition(self.length, |index| {
            self.entries.get(index).is_some_and(|entry| entry.depth < depth)
        });
        self.entries.get(index).filter(|entry| index < self.length && entry.depth == depth)?;
        Some(index)
    }

    fn standing_at(&self, index: usize) -> Option<&Arc<Message>> {
        self.entries.get(index).and_then(|entry| entry.message.as_ref())
    }
}

/// Whether a message that says `from` may be edited to say `to`.
fn check_edit(from: &Body, to: &Body) -> Result<(), ApplyError> {
    let (from, to) = (from.kind(), to.kind());
    let is_record = matches!(from, BodyKind::ActionRequest | BodyKind::ActionResponse);
    if from == to && !is_record { Ok(()) } else { Err(ApplyError::CannotEdit { from, to }) }
}
