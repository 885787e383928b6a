//! Reading the reflog: what to undo, what to redo, where the branch has been.

use std::collections::VecDeque;

use branchwork_core::{
    graph::Step,
    id::OpId,
    store::{Cause, ReflogEntry, read},
};

use super::Branch;
use crate::{
    error::{Error, Result},
    reference,
};

/// Entries that are read at first: most often what is looked for is the last thing that happened.
const PAGE_FIRST: usize = 4;

/// Entries that are read at once at most: each page is twice the one before it.
const PAGE_MAX: usize = 256;

/// The reflog of a branch, read backwards page by page.
pub(super) struct History<'a> {
    branch: &'a Branch,
    page: VecDeque<ReflogEntry>,
    page_length: usize,
    before: u64,
}

impl<'a> History<'a> {
    pub(super) const fn of(branch: &'a Branch) -> Self {
        Self { branch, page: VecDeque::new(), page_length: PAGE_FIRST, before: u64::MAX }
    }

    async fn next(&mut self) -> Result<Option<ReflogEntry>> {
        if self.page.is_empty() {
            let store = self.branch.engine.store();
            self.page = store.reflog(self.branch.id, self.before, self.page_length).await?.into();
            self.page_length = PAGE_MAX.min(2 * self.page_length);
        }
        let entry = self.page.pop_front();
        if let Some(entry) = &entry {
            self.before = entry.revision;
        }
        Ok(entry)
    }

    /// The next older step or move: the ops of one step are one. Answers the newest entry's cause and
    /// where the head was before it.
    async fn next_change(&mut self) -> Result<Option<Past>> {
        let Some(newest) = self.next().await? else { return Ok(None) };
        let mut oldest = newest.clone();
        while !oldest.step.is_none_or(Step::begins) {
            match self.next().await? {
                // A step that began on another branch: here, it begins with the branch.
                Some(entry) if entry.step.is_none() => {
                    self.page.push_front(entry);
                    break;
                }
                Some(entry) => oldest = entry,
                None => break,
            }
        }
        let is_birth = oldest.step == Some(Step::Birth);
        let cause = if is_birth { Cause::Create } else { newest.cause };
        Ok(Some(Past { cause, from: oldest.from }))
    }

    /// Where the head was before the last change that is not undone.
    pub(super) async fn undo_target(mut self) -> Result<Option<Option<OpId>>> {
        // Changes that are undone, and not done again, are passed over.
        let mut undone: i64 = 0;
        while let Some(change) = self.next_change().await? {
            match change.cause {
                Cause::Undo => undone += 1,
                Cause::Redo => undone -= 1,
                Cause::Create => return Ok(None),
                _ if undone > 0 => undone -= 1,
                _ => return Ok(Some(change.from)),
            }
        }
        Ok(None)
    }

    /// Where the head was before the last undo, when only undos and redos followed.
    pub(super) async fn redo_target(mut self) -> Result<Option<Option<OpId>>> {
        let mut redone = 0_u64;
        while let Some(change) = self.next_change().await? {
            match change.cause {
                Cause::Redo => redone += 1,
                Cause::Undo if redone > 0 => redone -= 1,
                Cause::Undo => return Ok(Some(change.from)),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Whether the head was at `op`, or passed over it.
    pub(super) async fn holds(mut self, op: OpId) -> Result<bool> {
        while let Some(entry) = self.next().await? {
            if entry.to == Some(op) || entry.from == Some(op) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn find_op(mut self, text: &str) -> Result<OpId> {
        let not_found = || Error::not_found("op", text);
        if text == "@-" {
            return self.next().await?.and_then(|entry| entry.from).ok_or_else(not_found);
        }
        if let Ok(op) = text.parse::<OpId>() {
            read::op(self.branch.engine.store(), self.branch.session, op).await?;
            return Ok(op);
        }
        if text.starts_with("msg_") || text.starts_with('~') {
            let view = self.branch.view().await?;
            let message = self.branch.message(text).await?;
            return Ok(view.head_at(message.id)?);
        }
        let lineage = self.branch.view().await?.lineage().clone();
        let mut ops: Vec<_> =
            (1..=lineage.depth()).filter_map(|depth| lineage.op_at(depth)).collect();
        while let Some(entry) = self.next().await? {
            ops.extend(entry.from.into_iter().chain(entry.to));
        }
        ops.sort_unstable();
        ops.dedup();
        reference::find("op", text, "op_", &ops, |op| *op).copied()
    }
}

/// A change that lies behind.
struct Past {
    cause: Cause,
    from: Option<OpId>,
}
