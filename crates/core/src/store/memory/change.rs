//! Changes to sessions and branches, and how each is taken back.

use std::collections::BTreeMap;

use super::{
    super::{BranchRecord, Cause, Change, Commit, Conflict, ReflogEntry, StoreError},
    state::{BranchState, SessionState, State},
};
use crate::{
    call::ModelCall,
    clock::Timestamp,
    config::Defaults,
    id::{BranchId, OpId, SessionId},
    mail::Delivery,
};

/// A branch that is to be made.
struct NewBranch<'a> {
    id: BranchId,
    name: &'a str,
    forked_from: Option<BranchId>,
    head: Option<OpId>,
}

/// How to take one change back.
#[derive(Debug)]
pub(super) enum Undo {
    ForgetSession,
    NameSession(Option<String>),
    ArchiveSession(Option<Timestamp>),
    KeepSession,
    DefaultBranch(BranchId),
    Defaults(Box<Defaults>),
    ForgetBranch(BranchId),
    NameBranch(BranchId, String),
    KeepBranch(BranchId),
    Mail(Vec<Delivery>),
    KeepCalls(BTreeMap<(SessionId, OpId), Box<ModelCall>>),
}

impl State {
    /// Applies the changes of `commit` in order, and notes in `undo` how to take them back.
    pub(super) fn apply_changes(
        &mut self,
        commit: &Commit,
        undo: &mut Vec<Undo>,
    ) -> Result<(), StoreError> {
        let makes_session = matches!(commit.changes.first(), Some(Change::CreateSession { .. }));
        if !makes_session {
            self.session(commit.session)?;
        }
        commit.changes.iter().try_for_each(|change| self.apply_change(commit, change, undo))
    }

    /// Takes changes back, the last one first.
    pub(super) fn take_back(&mut self, id: SessionId, undo: Vec<Undo>) {
        for undo in undo.into_iter().rev() {
            match undo {
                Undo::ForgetSession => {
                    self.name_session(id, None);
                    self.sessions.remove(&id);
                }
                Undo::NameSession(name) => drop(self.name_session(id, name)),
                Undo::KeepSession => self.delete_session(id, false),
                Undo::ForgetBranch(branch) => {
                    self.delete_branch(branch, true);
                    self.branches.remove(&branch);
                    self.with_session(id, |session| session.branches.pop());
                }
                Undo::NameBranch(branch, name) => drop(self.name_branch(branch, name)),
                Undo::KeepBranch(branch) => self.delete_branch(branch, false),
                Undo::Mail(deliveries) => self.mailroom.put_back(id, deliveries),
                Undo::KeepCalls(calls) => self.calls.extend(calls),
                Undo::ArchiveSession(archived) => {
                    self.with_session(id, |session| session.archived = archived);
                }
                Undo::Defaults(defaults) => {
                    self.with_session(id, |session| session.defaults = *defaults);
                }
                Undo::DefaultBranch(branch) => {
                    self.with_session(id, |session| session.default_branch = branch);
                }
            }
        }
    }

    fn apply_change(
        &mut self,
        commit: &Commit,
        change: &Change,
        undo: &mut Vec<Undo>,
    ) -> Result<(), StoreError> {
        let (id, at) = (commit.session, commit.at);
        match change {
            Change::CreateSession { name, branch, branch_name } => {
                return self.create_session(commit, name.as_ref(), (*branch, branch_name), undo);
            }
            Change::RenameSession { name } => {
                self.check_session_name(id, name.as_ref())?;
                undo.push(Undo::NameSession(self.name_session(id, name.clone())));
            }
            Change::ArchiveSession { archived } => {
                undo.push(Undo::ArchiveSession(self.session(id)?.archived));
                self.with_session(id, |session| {
                    session.archived = archived.then(|| session.archived.unwrap_or(at));
                });
            }
            Change::DeleteSession => {
                undo.push(Undo::KeepSession);
                self.delete_session(id, true);
            }
            Change::SetDefaults { defaults } => {
                let set = |session: &mut SessionState| {
                    std::mem::replace(&mut session.defaults, (**defaults).clone())
                };
                let before = self.with_session(id, set);
                undo.extend(before.map(|before| Undo::Defaults(Box::new(before))));
            }
            Change::SetDefaultBranch { branch } => {
                self.own_branch(id, *branch)?;
                undo.push(Undo::DefaultBranch(self.session(id)?.default_branch));
                self.with_session(id, |session| session.default_branch = *branch);
            }
            Change::CreateBranch { branch: id, name, forked_from, head } => {
                let branch = NewBranch { id: *id, name, forked_from: *forked_from, head: *head };
                return self.create_branch(commit, &branch, undo);
            }
            Change::RenameBranch { branch, name } => {
                self.own_branch(id, *branch)?;
                self.check_branch_name(id, *branch, name)?;
                let before = self.name_branch(*branch, name.clone());
                undo.extend(before.map(|before| Undo::NameBranch(*branch, before)));
            }
            Change::ClearCalls => {
                let calls = std::mem::take(&mut self.calls);
                let (cleared, kept): (BTreeMap<_, _>, _) =
                    calls.into_iter().partition(|((session, _), _)| *session == id);
                self.calls = kept;
                undo.push(Undo::KeepCalls(cleared));
            }
            Change::ExpectHead { branch, .. } if self.is_deleted(id, *branch) => {}
            Change::ExpectHead { branch, head } => {
                let actual = self.own_branch(id, *branch)?.record.head;
                if actual != *head {
                    return Err(Conflict::HeadMoved { branch: *branch, actual }.into());
                }
            }
            Change::DeleteBranch { branch, .. } if self.is_deleted(id, *branch) => {}
            Change::DeleteBranch { branch, heir } => {
                let name = self.own_branch(id, *branch)?.record.name.clone();
                let heir = heir.map(|heir| self.own_branch(id, heir).map(|_| heir)).transpose()?;
                if heir == Some(*branch) {
                    return Err(StoreError::invalid("a branch cannot have its own mail"));
                }
                if self.session(id)?.default_branch == *branch {
                    return Err(Conflict::DefaultBranch { branch: *branch }.into());
                }
                undo.push(Undo::KeepBranch(*branch));
                self.delete_branch(*branch, true);
                let before = self.mailroom.delete_branch(id, (*branch, &name), heir, at);
                undo.push(Undo::Mail(before));
            }
        }
        Ok(())
    }

    fn create_session(
        &mut self,
        commit: &Commit,
        name: Option<&String>,
        (branch, branch_name): (BranchId, &str),
        undo: &mut Vec<Undo>,
    ) -> Result<(), StoreError> {
        let (id, at) = (commit.session, commit.at);
        if let Some(session) = self.sessions.get(&id) {
            let same = !session.deleted
                && session.name.as_ref() == name
                && session.branches.first() == Some(&branch);
            let what = format!("session {id}");
            return if same { Ok(()) } else { Err(Conflict::Exists { what }.into()) };
        }
        self.check_session_name(id, name)?;
        let session = SessionState {
            name: None,
            created: at,
            updated: at,
            archived: None,
            default_branch: branch,
            defaults: Defaults::default(),
            branches: Vec::new(),
            deleted: false,
        };
        self.sessions.insert(id, session);
        self.name_session(id, name.cloned());
        undo.push(Undo::ForgetSession);
        let branch = NewBranch { id: branch, name: branch_name, forked_from: None, head: None };
        self.create_branch(commit, &branch, undo)
    }

    fn create_branch(
        &mut self,
        commit: &Commit,
        branch: &NewBranch<'_>,
        undo: &mut Vec<Undo>,
    ) -> Result<(), StoreError> {
        let NewBranch { id, name, forked_from, head } = *branch;
        let (session, at) = (commit.session, commit.at);
        if let Some(branch) = self.branches.get(&id) {
            let record = &branch.record;
            let same = !branch.deleted && record.session == session && record.name == name;
            let what = format!("branch {id}");
            return if same { Ok(()) } else { Err(Conflict::Exists { what }.into()) };
        }
        self.check_branch_name(session, id, name)?;
        let messages = match head {
            None => 0,
            Some(op) => self.op(session, op).ok_or_else(|| StoreError::no_op(op))?.standing,
        };
        let (revision, cause, to) = (1, Cause::Create, head);
        let created = ReflogEntry { revision, cause, step: None, from: None, to, at };
        let record = BranchRecord {
            id,
            session,
            name: name.to_owned(),
            created: at,
            forked_from,
            head,
            tip: None,
            revision,
            messages,
        };
        self.branches.insert(id, BranchState { record, reflog: vec![created], deleted: false });
        self.name_branch(id, name.to_owned());
        self.with_session(session, |session| session.branches.push(id));
        undo.push(Undo::ForgetBranch(id));
        Ok(())
    }

    fn check_session_name(&self, id: SessionId, name: Option<&String>) -> Result<(), StoreError> {
        let Some(name) = name else { return Ok(()) };
        match self.session_names.get(name) {
            Some(other) if *other != id => {
                Err(Conflict::SessionNameTaken { name: name.clone() }.into())
            }
            _ => Ok(()),
        }
    }

    fn check_branch_name(
        &self,
        session: SessionId,
        id: BranchId,
        name: &str,
    ) -> Result<(), StoreError> {
        let name = name.to_owned();
        match self.branch_names.get(&(session, name.clone())) {
            Some(other) if *other != id => Err(Conflict::BranchNameTaken { name }.into()),
            _ => Ok(()),
        }
    }

    fn is_deleted(&self, session: SessionId, id: BranchId) -> bool {
        self.branches
            .get(&id)
            .is_some_and(|branch| branch.deleted && branch.record.session == session)
    }
}
