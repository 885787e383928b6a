//! Checking head moves: all of a commit are checked before the first is written.

use branchwork_core::{
    graph::Op,
    id::StretchId,
    store::{Chain, Conflict, HeadMove, StoreError},
};
use rusqlite::Connection;

use crate::{
    error::{Answer, Failure},
    key::{OpKey, SessionNo, StretchNo},
    query::{
        branch::{self, BranchRow},
        lineage::{find_op, find_stretch, last_op},
        ops::read_one,
    },
};

/// A head move that may be written.
pub(super) struct Plan<'a> {
    pub(super) head: HeadMove,
    /// The branch before it.
    pub(super) branch: BranchRow,
    /// The ops it appends.
    pub(super) runs: Vec<Run<'a>>,
    /// Where a move that appends nothing goes.
    pub(super) to: Option<OpKey>,
}

/// Ops of one append that lie in one stretch.
pub(super) struct Run<'a> {
    pub(super) stretch: Target,
    pub(super) ops: &'a [Op],
}

/// Where a run is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// Behind the last op of a stretch.
    Behind(StretchNo),
    /// In a stretch that begins with it.
    New(StretchId),
}

/// Checks the head moves of a commit. `None` is one that was written before.
pub(super) fn check<'a>(
    db: &Connection,
    session: SessionNo,
    chains: &[Chain<'a>],
) -> Answer<Vec<Option<Plan<'a>>>> {
    chains.iter().map(|chain| check_one(db, session, chain)).collect()
}

fn check_one<'a>(
    db: &Connection,
    session: SessionNo,
    chain: &Chain<'a>,
) -> Answer<Option<Plan<'a>>> {
    let head = *chain.head;
    let branch = branch::find_own(db, session, head.branch)?;
    let actual = branch.head_id(db)?;
    let moved =
        || Failure::from(StoreError::from(Conflict::HeadMoved { branch: head.branch, actual }));
    if actual != head.from {
        let is_repeated = actual == head.to && holds(db, session, chain.ops)?;
        return if is_repeated { Ok(None) } else { Err(moved()) };
    }
    check_revision(&branch, chain.ops.len())?;
    let mut runs = Vec::new();
    for ops in chain.ops.chunk_by(|op, next| op.id.stretch() == next.id.stretch()) {
        let stretch = target(db, &branch, ops)?.ok_or_else(moved)?;
        runs.push(Run { stretch, ops });
    }
    let to = if chain.ops.is_empty() { destination(db, session, &head)? } else { None };
    Ok(Some(Plan { head, branch, runs, to }))
}

/// Checks that the branch can be moved once more, and by each op it appends.
fn check_revision(branch: &BranchRow, ops: usize) -> Answer<()> {
    let moves = u64::try_from(ops.max(1)).unwrap_or(u64::MAX);
    if branch.revision().saturating_add(moves) > u64::from(u32::MAX) {
        return Err(StoreError::invalid("the branch moved as often as a branch can").into());
    }
    Ok(())
}

/// Where a move that appends nothing goes.
fn destination(db: &Connection, session: SessionNo, head: &HeadMove) -> Answer<Option<OpKey>> {
    let Some(op) = head.to else { return Ok(None) };
    let missing = || Failure::from(StoreError::no_op(op));
    find_op(db, session, op)?.ok_or_else(missing).map(Some)
}

/// Where `ops` of one stretch are written; `None` when the first exists already.
fn target(db: &Connection, branch: &BranchRow, ops: &[Op]) -> Answer<Option<Target>> {
    let Some(first) = ops.first() else { return Ok(None) };
    let id = first.id.stretch();
    let (stretch, last) = match branch.stretch {
        Some(own) if own.id == id => (own.no, Some(own.tip.key)),
        _ => match find_stretch(db, id)? {
            None if first.id.place() == 0 => return Ok(Some(Target::New(id))),
            None => {
                let problem = format!("op {} has no stretch", first.id);
                return Err(StoreError::invalid(problem).into());
            }
            Some(other) if other.branch != branch.id => {
                let problem = format!("op {} lies in a stretch of another branch", first.id);
                return Err(StoreError::invalid(problem).into());
            }
            Some(own) => (own.no, last_op(db, own.no)?),
        },
    };
    let is_free = last < Some(stretch.op(first.id.place()));
    Ok(is_free.then_some(Target::Behind(stretch)))
}

/// Whether every one of `ops` is stored as it is.
fn holds(db: &Connection, session: SessionNo, ops: &[Op]) -> Answer<bool> {
    for op in ops {
        let stored = match find_op(db, session, op.id)? {
            Some(key) => read_one(db, key)?,
            None => None,
        };
        if stored.as_ref() != Some(op) {
            return Ok(false);
        }
    }
    Ok(true)
}
