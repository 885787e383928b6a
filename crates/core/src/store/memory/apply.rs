//! Taking in commits: what turns out to be wrong is taken back, as if it had never been.

use super::{
    super::{Chain, Change, Commit, Conflict, HeadMove, ReflogEntry, StoreError},
    state::{State, Stretch},
};
use crate::{clock::Timestamp, graph::Op, id::SessionId};

impl State {
    pub(super) fn commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let chains = commit.chains()?;
        commit.check_mail()?;
        if self.is_repeated_deletion(commit) {
            return Ok(());
        }
        let mut undo = Vec::new();
        let result = self
            .apply_changes(commit, &mut undo)
            .and_then(|()| chains.iter().try_for_each(|chain| self.check(commit.session, chain)))
            .and_then(|()| {
                commit.mail.iter().try_for_each(|change| self.check_mail(commit, change))
            });
        if let Err(error) = result {
            self.take_back(commit.session, undo);
            return Err(error);
        }
        for chain in &chains {
            self.append(commit.session, chain, commit.at);
        }
        for (answer, call) in &commit.calls {
            self.calls.entry((commit.session, *answer)).or_insert_with(|| Box::new(call.clone()));
        }
        for change in &commit.mail {
            self.apply_mail(commit.session, change);
        }
        if !commit.changes.is_empty() || !commit.mail.is_empty() {
            self.touch(commit.session, commit.at);
        }
        Ok(())
    }

    /// Whether `commit` does nothing but delete a session that is deleted.
    fn is_repeated_deletion(&self, commit: &Commit) -> bool {
        let is_deleted = self.sessions.get(&commit.session).is_some_and(|session| session.deleted);
        is_deleted && commit.changes == [Change::DeleteSession] && commit.heads.is_empty()
    }

    /// Something happened in a session.
    fn touch(&mut self, id: SessionId, at: Timestamp) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.updated = session.updated.max(at);
        }
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
        // Within a run each op follows the one before, so what holds for the first holds for all.
        for op in runs(chain.ops).filter_map(<[Op]>::first) {
            match self.stretches.get(&(session, op.id.stretch())) {
                None if op.id.place() == 0 => {}
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
        reserve(&mut branch.reflog, chain.ops.len().max(1));
        let mut updated = None;
        let mut entry = |cause, step, from, to, at| {
            updated = updated.max(Some(at));
            branch.record.revision += 1;
            let revision = branch.record.revision;
            push(&mut branch.reflog, ReflogEntry { revision, cause, step, from, to, at });
        };
        if chain.ops.is_empty() {
            if from != to {
                entry(cause, None, from, to, at);
            }
            branch.record.messages = standing;
        }
        for run in runs(chain.ops) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            let stretch = (session, first.id.stretch());
            let stretch = self.stretches.entry(stretch).or_insert_with(|| Stretch {
                branch: id,
                parent: first.parent,
                ops: Vec::new(),
            });
            reserve(&mut stretch.ops, run.len());
            stretch.ops.extend_from_slice(run);
            for op in run {
                entry(cause, Some(op.step), op.parent, Some(op.id), op.at);
            }
            branch.record.tip = Some(last.id);
            branch.record.messages = last.standing;
        }
        branch.record.head = to;
        if let Some(updated) = updated {
            self.touch(session, updated);
        }
    }
}

/// The ops of an append by the stretches that they lie in.
fn runs(ops: &[Op]) -> impl Iterator<Item = &[Op]> {
    ops.chunk_by(|op, next| op.id.stretch() == next.id.stretch())
}

/// Appends `item` to a list that grows as [`reserve`] says.
fn push<T>(list: &mut Vec<T>, item: T) {
    reserve(list, 1);
    list.push(item);
}

/// Makes room for `more` items in a list that grows by a quarter: many lists are short and kept for long,
/// and doubling leaves half of each empty.
fn reserve<T>(list: &mut Vec<T>, more: usize) {
    if list.capacity() - list.len() < more {
        list.reserve_exact(list.len().div_ceil(4).max(4).max(more));
    }
}
