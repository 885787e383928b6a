//! What the memory store keeps.

use std::collections::BTreeMap;

use super::{
    super::{BranchRecord, ReflogEntry, StoreError},
    mailroom::Mailroom,
};
use crate::{
    call::ModelCall,
    clock::Timestamp,
    config::Defaults,
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
    /// By answer. Boxed: they are large, and half of a map may be empty.
    pub(super) calls: BTreeMap<(SessionId, OpId), Box<ModelCall>>,
    pub(super) mailroom: Mailroom,
    /// The names of what is not deleted.
    pub(super) session_names: BTreeMap<String, SessionId>,
    pub(super) branch_names: BTreeMap<(SessionId, String), BranchId>,
}

/// One session.
#[derive(Debug, Clone)]
pub(super) struct SessionState {
    pub(super) name: Option<String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) archived: Option<Timestamp>,
    pub(super) default_branch: BranchId,
    pub(super) defaults: Defaults,
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

    pub(super) fn own_branch(
        &self,
        session: SessionId,
        id: BranchId,
    ) -> Result<&BranchState, StoreError> {
        let branch = self.branch(id)?;
        if branch.record.session != session {
            return Err(StoreError::no_branch(id));
        }
        Ok(branch)
    }

    /// Changes a session that is known to be there.
    pub(super) fn with_session<T>(
        &mut self,
        id: SessionId,
        change: impl FnOnce(&mut SessionState) -> T,
    ) -> Option<T> {
        self.sessions.get_mut(&id).map(change)
    }

    /// Gives a session another name; answers the one it had.
    pub(super) fn name_session(&mut self, id: SessionId, name: Option<String>) -> Option<String> {
        let session = self.sessions.get_mut(&id)?;
        let before = std::mem::replace(&mut session.name, name.clone());
        if let Some(before) = &before {
            self.session_names.remove(before);
        }
        if let Some(name) = name {
            self.session_names.insert(name, id);
        }
        before
    }

    /// Gives a branch another name; answers the one it had.
    pub(super) fn name_branch(&mut self, id: BranchId, name: String) -> Option<String> {
        let branch = self.branches.get_mut(&id)?;
        let session = branch.record.session;
        let before = std::mem::replace(&mut branch.record.name, name.clone());
        self.branch_names.remove(&(session, before.clone()));
        self.branch_names.insert((session, name), id);
        Some(before)
    }

    /// Deletes a session, or brings it back. Its name is free while it is deleted.
    pub(super) fn delete_session(&mut self, id: SessionId, deleted: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.deleted = deleted;
        let Some(name) = session.name.clone() else { return };
        if deleted {
            self.session_names.remove(&name);
        } else {
            self.session_names.insert(name, id);
        }
    }

    /// Deletes a branch, or brings it back. Its name is free while it is deleted.
    pub(super) fn delete_branch(&mut self, id: BranchId, deleted: bool) {
        let Some(branch) = self.branches.get_mut(&id) else { return };
        branch.deleted = deleted;
        let name = (branch.record.session, branch.record.name.clone());
        if deleted {
            self.branch_names.remove(&name);
        } else {
            self.branch_names.insert(name, id);
        }
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
