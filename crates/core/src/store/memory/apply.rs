//! Taking in commits: everything is checked before anything is changed.

use super::{
    super::{
        BranchRecord, Cause, Chain, Change, Commit, Conflict, HeadMove, ReflogEntry, StoreError,
    },
    state::{BranchState, SessionState, State, Stretch},
};
use crate::{
    clock::Timestamp,
    graph::Op,
    id::{BranchId, OpId, SessionId},
};

/// A branch that is to be made.
struct NewBranch<'a> {
    id: BranchId,
    name: &'a str,
    forked_from: Option<BranchId>,
    head: Option<OpId>,
}

impl State {
    pub(super) fn commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let chains = commit.chains()?;
        let before = self.snapshot(commit);
        let result = self
            .apply_changes(commit)
            .and_then(|()| chains.iter().try_for_each(|chain| self.check(commit.session, chain)));
        if let Err(error) = result {
            self.restore(commit.session, before);
            return Err(error);
        }
        for chain in &chains {
            self.append(commit.session, chain, commit.at);
        }
        if let Some(session) = self.sessions.get_mut(&commit.session) {
            session.updated = session.updated.max(commit.at);
        }
        Ok(())
    }

    /// The session and its branches before the changes of `commit`; nothing when it has none.
    fn snapshot(&self, commit: &Commit) -> Option<(Option<SessionState>, Vec<BranchState>)> {
        if commit.changes.is_empty() {
            return None;
        }
        let session = self.sessions.get(&commit.session).cloned();
        let ids = session.iter().flat_map(|session| &session.branches);
        let branches = ids.filter_map(|id| self.branches.get(id)).cloned().collect();
        Some((session, branches))
    }

    fn restore(&mut self, id: SessionId, before: Option<(Option<SessionState>, Vec<BranchState>)>) {
        let Some((session, branches)) = before else { return };
        self.branches.retain(|_, branch| branch.record.session != id);
        for branch in branches {
            self.branches.insert(branch.record.id, branch);
        }
        match session {
            Some(session) => drop(self.sessions.insert(id, session)),
            None => drop(self.sessions.remove(&id)),
        }
    }

    fn apply_changes(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let makes_session = matches!(commit.changes.first(), Some(Change::CreateSession { .. }));
        if !makes_session {
            self.session(commit.session)?;
        }
        commit.changes.iter().try_for_each(|change| self.apply_change(commit, change))
    }

    fn apply_change(&mut self, commit: &Commit, change: &Change) -> Result<(), StoreError> {
        let (id, at) = (commit.session, commit.at);
        match change {
            Change::CreateSession { name, branch, branch_name } => {
                self.create_session(commit, name.as_ref(), *branch, branch_name)
            }
            Change::RenameSession { name } => {
                self.check_session_name(id, name.as_ref())?;
                self.change_session(id, |session| session.name.clone_from(name))
            }
            Change::ArchiveSession { archived } => self.change_session(id, |session| {
                session.archived = archived.then(|| session.archived.unwrap_or(at));
            }),
            Change::DeleteSession => self.change_session(id, |session| session.deleted = true),
            Change::SetDefaultBranch { branch } => {
                self.own_branch(id, *branch)?;
                self.change_session(id, |session| session.default_branch = *branch)
            }
            Change::CreateBranch { branch: id, name, forked_from, head } => {
                let branch = NewBranch { id: *id, name, forked_from: *forked_from, head: *head };
                self.create_branch(commit, &branch)
            }
            Change::RenameBranch { branch, name } => {
                self.own_branch(id, *branch)?;
                self.check_branch_name(id, *branch, name)?;
                self.change_branch(*branch, |branch| branch.record.name.clone_from(name))
            }
            Change::DeleteBranch { branch } => {
                self.own_branch(id, *branch)?;
                if self.session(id)?.default_branch == *branch {
                    return Err(Conflict::DefaultBranch { branch: *branch }.into());
                }
                self.change_branch(*branch, |branch| branch.deleted = true)
            }
        }
    }

    fn change_session(
        &mut self,
        id: SessionId,
        change: impl FnOnce(&mut SessionState),
    ) -> Result<(), StoreError> {
        let session = self.sessions.get_mut(&id).ok_or_else(|| StoreError::no_session(id))?;
        change(session);
        Ok(())
    }

    fn change_branch(
        &mut self,
        id: BranchId,
        change: impl FnOnce(&mut BranchState),
    ) -> Result<(), StoreError> {
        let branch = self.branches.get_mut(&id).ok_or_else(|| StoreError::no_branch(id))?;
        change(branch);
        Ok(())
    }

    fn create_session(
        &mut self,
        commit: &Commit,
        name: Option<&String>,
        branch: BranchId,
        branch_name: &str,
    ) -> Result<(), StoreError> {
        let (id, at) = (commit.session, commit.at);
        if let Some(session) = self.sessions.get(&id) {
            let same = session.name.as_ref() == name && session.branches.first() == Some(&branch);
            let what = format!("session {id}");
            return if same { Ok(()) } else { Err(Conflict::Exists { what }.into()) };
        }
        self.check_session_name(id, name)?;
        let session = SessionState {
            name: name.cloned(),
            created: at,
            updated: at,
            archived: None,
            default_branch: branch,
            branches: Vec::new(),
            deleted: false,
        };
        self.sessions.insert(id, session);
        let branch = NewBranch { id: branch, name: branch_name, forked_from: None, head: None };
        self.create_branch(commit, &branch)
    }

    fn create_branch(&mut self, commit: &Commit, branch: &NewBranch<'_>) -> Result<(), StoreError> {
        let NewBranch { id, name, forked_from, head } = *branch;
        let (session, at) = (commit.session, commit.at);
        if let Some(branch) = self.branches.get(&id) {
            let same = branch.record.session == session && branch.record.name == name;
            let what = format!("branch {id}");
            return if same { Ok(()) } else { Err(Conflict::Exists { what }.into()) };
        }
        self.check_branch_name(session, id, name)?;
        let messages = match head {
            None => 0,
            Some(op) => self.op(session, op).ok_or_else(|| StoreError::no_op(op))?.standing,
        };
        let created =
            ReflogEntry { revision: 1, cause: Cause::Create, step: None, from: None, to: head, at };
        let record = BranchRecord {
            id,
            session,
            name: name.to_owned(),
            created: at,
            forked_from,
            head,
            tip: None,
            revision: 1,
            messages,
        };
        self.branches.insert(id, BranchState { record, reflog: vec![created], deleted: false });
        self.change_session(session, |session| session.branches.push(id))
    }

    fn check_session_name(&self, id: SessionId, name: Option<&String>) -> Result<(), StoreError> {
        let Some(name) = name else { return Ok(()) };
        let taken = self.sessions.iter().any(|(other, session)| {
            *other != id && !session.deleted && session.name.as_ref() == Some(name)
        });
        let name = name.clone();
        if taken { Err(Conflict::SessionNameTaken { name }.into()) } else { Ok(()) }
    }

    fn check_branch_name(
        &self,
        session: SessionId,
        id: BranchId,
        name: &str,
    ) -> Result<(), StoreError> {
        let others = self.session(session)?.branches.iter().filter(|other| **other != id);
        let taken = others
            .filter_map(|other| self.branch(*other).ok())
            .any(|other| other.record.name == name);
        let name = name.to_owned();
        if taken { Err(Conflict::BranchNameTaken { name }.into()) } else { Ok(()) }
    }

    fn own_branch(&self, session: SessionId, id: BranchId) -> Result<&BranchState, StoreError> {
        let branch = self.branch(id)?;
        if branch.record.session != session {
            return Err(StoreError::no_branch(id));
        }
        Ok(branch)
    }

    /// Whether `chain` can be appended, or was appended before.
    fn check(&self, session: SessionId, chain: &Chain<'_>) -> Result<(), StoreError> {
        let HeadMove { branch: id, from, to, .. } = *chain.head;
        let branch = self.own_branch(session, id)?;
        let actual = branch.record.head;
        let moved = Conflict::HeadMoved { branch: id, actual };
        if actual != from {
            let repeated = actual == to && self.holds(session, chain.ops);
            return if repeated { Ok(()) } else { Err(moved.into()) };
        }
        for op in chain.ops {
            match self.stretches.get(&(session, op.id.stretch())) {
                None if op.id.place() == 0 || chain.ops.iter().any(|o| Some(o.id) == op.parent) => {
                }
                None => return Err(StoreError::invalid(format!("op {} has no stretch", op.id))),
                Some(stretch) if stretch.branch != id => {
                    let problem = format!("op {} lies in a stretch of another branch", op.id);
                    return Err(StoreError::invalid(problem));
                }
                Some(_) if self.op(session, op.id).is_some() => return Err(moved.into()),
                Some(_) => {}
            }
        }
        match to {
            Some(op) if chain.ops.is_empty() && self.op(session, op).is_none() => {
                Err(StoreError::no_op(op))
            }
            _ => Ok(()),
        }
    }

    fn holds(&self, session: SessionId, ops: &[Op]) -> bool {
        ops.iter().all(|op| self.op(session, op.id) == Some(op))
    }

    /// Appends what [`check`](Self::check) let through.
    fn append(&mut self, session: SessionId, chain: &Chain<'_>, at: Timestamp) {
        let HeadMove { branch: id, from, to, cause } = *chain.head;
        let standing = to.and_then(|op| self.op(session, op)).map_or(0, |op| op.standing);
        let Some(branch) = self.branches.get_mut(&id) else { return };
        if branch.record.head != from {
            return;
        }
        let mut entry = |cause, step, from, to, at| {
            branch.record.revision += 1;
            let revision = branch.record.revision;
            branch.reflog.push(ReflogEntry { revision, cause, step, from, to, at });
        };
        if chain.ops.is_empty() {
            if from != to {
                entry(cause, None, from, to, at);
            }
            branch.record.messages = standing;
        }
        for op in chain.ops {
            entry(cause, Some(op.step), op.parent, Some(op.id), op.at);
            branch.record.tip = Some(op.id);
            branch.record.messages = op.standing;
            let stretch = (session, op.id.stretch());
            let stretch = self.stretches.entry(stretch).or_insert_with(|| Stretch {
                branch: id,
                parent: op.parent,
                ops: Vec::new(),
            });
            stretch.ops.push(op.clone());
        }
        branch.record.head = to;
    }
}
