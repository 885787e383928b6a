//! What the memory store keeps.

use std::collections::BTreeMap;

use super::super::{BranchRecord, ReflogEntry, StoreError};
use crate::{
    clock::Timestamp,
    graph::{Lineage, Op},
    id::{BranchId, OpId, SessionId, StretchId},
};

/// Everything, behind one lock.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) closed: bool,
    pub(super) sessions: BTreeMap<SessionId, SessionState>,
    pub(super) branches: BTreeMap<BranchId, BranchState>,
    pub(super) stretches: BTreeMap<(SessionId, StretchId), Stretch>,
}

/// One session.
#[derive(Debug, Clone)]
pub(super) struct SessionState {
    pub(super) name: Option<String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) archived: Option<Timestamp>,
    pub(super) default_branch: BranchId,
    /// In the order in which they were made.
    pub(super) branches: Vec<BranchId>,
    pub(super) deleted: bool,
}

/// One branch. Its record's `head`, `tip`, `revision` and `messages` are kept up to date.
#[derive(Debug, Clone)]
pub(super) struct BranchState {
    pub(super) record: BranchRecord,
    /// Oldest first.
    pub(super) reflog: Vec<ReflogEntry>,
    pub(super) deleted: bool,
}

/// A run of ops, by place.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) branch: BranchId,
    pub(super) parent: Option<OpId>,
    pub(super) ops: Vec<Op>,
}

impl State {
    pub(super) fn session(&self, id: SessionId) -> Result<&SessionState, StoreError> {
        self.sessions
            .get(&id)
            .filter(|session| !session.deleted)
            .ok_or_else(|| StoreError::no_session(id))
    }

    pub(super) fn branch(&self, id: BranchId) -> Result<&BranchState, StoreError> {
        self.branches
            .get(&id)
            .filter(|branch| !branch.deleted)
            .ok_or_else(|| StoreError::no_branch(id))
    }

    pub(super) fn op(&self, session: SessionId, id: OpId) -> Option<&Op> {
        let stretch = self.stretches.get(&(session, id.stretch()))?;
        stretch.ops.get(usize::try_from(id.place()).ok()?)
    }

    pub(super) fn lineage(&self, session: SessionId, op: OpId) -> Result<Lineage, StoreError> {
        self.session(session)?;
        let mut runs = Vec::new();
        let mut at = Some(op);
        while let Some(op) = at {
            self.op(session, op).ok_or_else(|| StoreError::no_op(op))?;
            runs.push((op.stretch(), op.place() + 1));
            at = self.stretches.get(&(session, op.stretch())).and_then(|stretch| stretch.parent);
        }
        Ok(Lineage::from_runs(runs.into_iter().rev()))
    }
}
