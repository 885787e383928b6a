//! Writing head moves that were checked.
//!
//! An append behind the last op of the branch's stretch writes the rows of its ops only: where the
//! head is then, and how it got there, follows from them. Every other move writes a row of the
//! reflog and the row of the branch.

use branchwork_core::{clock::Timestamp, graph::Op, id::StretchId, store::Cause};
use rusqlite::{Connection, OptionalExtension as _};

use super::{
    changes::touch,
    heads::{Plan, Run, Target},
    prepare::{BodyRow, OpRow},
};
use crate::{
    error::Answer,
    key::{BranchNo, OpKey, ReflogKey, StretchNo, branch_bytes, stretch_bytes},
    query::branch::{BranchRow, newest_move},
};

/// Writes a move. `rows` are those of its ops, `at` is when it was made.
pub(super) fn write(db: &Connection, plan: &Plan<'_>, rows: &[OpRow], at: Timestamp) -> Answer<()> {
    if !plan.runs.is_empty() {
        append(db, plan, rows)
    } else if plan.head.from != plan.head.to {
        go_to(db, plan, at)
    } else {
        Ok(())
    }
}

/// Writes one row of the reflog.
pub(super) fn insert_move(
    db: &Connection,
    key: ReflogKey,
    cause: Cause,
    (from, to): (Option<OpKey>, Option<OpKey>),
    at: Timestamp,
) -> Answer<()> {
    db.prepare_cached(
        "INSERT INTO reflog (key, cause, from_key, to_key, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute((key, cause.as_str(), from, to, at.as_micros()))?;
    Ok(())
}

/// Moves the head to an op that exists, or before the first.
fn go_to(db: &Connection, plan: &Plan<'_>, at: Timestamp) -> Answer<()> {
    let branch = &plan.branch;
    keep_time(db, branch, newest_move(db, branch.no)?, at.as_micros())?;
    let key = reflog_key(branch.no, branch.revision() + 1);
    insert_move(db, key, plan.head.cause, (branch.head(), plan.to), at)?;
    // Behind the last op of its own stretch, the branch may go on in it.
    let head = match plan.to {
        Some(to) if branch.tip() == Some(to) => None,
        to => Some(to.unwrap_or(OpKey::NONE)),
    };
    db.prepare_cached("UPDATE branch SET at = ?2, revision = ?3, base_key = ?4 WHERE no = ?1")?
        .execute((branch.no, head, key.revision(), branch.tip()))?;
    Ok(())
}

/// Where a branch is while the runs of an append are written.
#[derive(Debug, Clone, Copy)]
struct End {
    head: Option<OpKey>,
    tip: Option<OpKey>,
    revision: u64,
}

impl End {
    /// Whether ops in `stretch` go on behind the head, so that nothing but them needs writing.
    fn goes_on_in(self, stretch: StretchNo) -> bool {
        self.head == self.tip && self.tip.map(OpKey::stretch) == Some(stretch)
    }
}

/// Appends the ops of `plan`, run by run.
fn append(db: &Connection, plan: &Plan<'_>, rows: &[OpRow]) -> Answer<()> {
    let branch = &plan.branch;
    let mut end = End { head: branch.head(), tip: branch.tip(), revision: branch.revision() };
    let is_plain = match plan.runs.as_slice() {
        [Run { stretch: Target::Behind(stretch), .. }] => end.goes_on_in(*stretch),
        _ => false,
    };
    let moved = if is_plain { None } else { newest_move(db, branch.no)? };
    let mut rest = rows;
    for run in &plan.runs {
        let (own, later) = rest.split_at(run.ops.len().min(rest.len()));
        rest = later;
        end = append_run(db, branch, run, own, end)?;
    }
    if !is_plain {
        let revision = i64::try_from(end.revision).unwrap_or(i64::MAX);
        db.prepare_cached(
            "UPDATE branch SET stretch = ?2, at = NULL, revision = ?3, base_key = ?4 WHERE no = ?1",
        )?
        .execute((branch.no, end.tip.map(OpKey::stretch), revision, end.tip))?;
    }
    let times = plan.runs.iter().flat_map(|run| run.ops).map(|op| op.at.as_micros());
    let last = times.clone().next_back().unwrap_or_default();
    keep_time(db, branch, times.max().max(moved), last)
}

/// Appends one run, and notes the move to its first op when that does not follow from the ops.
fn append_run(
    db: &Connection,
    branch: &BranchRow,
    run: &Run<'_>,
    rows: &[OpRow],
    before: End,
) -> Answer<End> {
    let stretch = match run.stretch {
        Target::Behind(stretch) => stretch,
        Target::New(id) => insert_stretch(db, branch, id, before.head)?,
    };
    let mut tip = before.tip;
    for (op, row) in run.ops.iter().zip(rows) {
        let key = stretch.op(op.id.place());
        insert_op(db, key, op, row)?;
        tip = Some(key);
    }
    if let Some(first) = run.ops.first().filter(|_| !before.goes_on_in(stretch)) {
        let key = reflog_key(branch.no, before.revision + 1);
        let to = Some(stretch.op(first.id.place()));
        insert_move(db, key, Cause::Append, (before.head, to), first.at)?;
    }
    Ok(End { head: tip, tip, revision: before.revision + run.ops.len() as u64 })
}

fn insert_stretch(
    db: &Connection,
    branch: &BranchRow,
    id: StretchId,
    parent: Option<OpKey>,
) -> Answer<StretchNo> {
    db.prepare_cached("INSERT INTO stretch (id, session, branch, parent) VALUES (?1, ?2, ?3, ?4)")?
        .execute((stretch_bytes(id), branch.session, branch_bytes(branch.id), parent))?;
    Ok(StretchNo::from(db.last_insert_rowid()))
}

fn insert_op(db: &Connection, key: OpKey, op: &Op, row: &OpRow) -> Answer<()> {
    let (blob, body) = match &row.body {
        BodyRow::None => (None, None),
        BodyRow::Inline(body) => (None, Some(body)),
        BodyRow::Large { hash, bytes } => (Some(keep_large(db, hash, bytes)?), None),
    };
    db.prepare_cached(
        "INSERT INTO op (key, at, standing, blob, head, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((key, op.at.as_micros(), op.standing, blob, &row.head, body))?;
    Ok(())
}

/// The number of a large body, which is written when it is not there.
fn keep_large(db: &Connection, hash: &[u8; 32], bytes: &[u8]) -> Answer<i64> {
    let mut statement = db.prepare_cached("SELECT no FROM blob WHERE hash = ?1")?;
    if let Some(no) = statement.query_row([hash], |row| row.get(0)).optional()? {
        return Ok(no);
    }
    db.prepare_cached("INSERT INTO blob (hash, bytes) VALUES (?1, ?2)")?.execute((hash, bytes))?;
    Ok(db.last_insert_rowid())
}

/// The reflog's key of the move to `revision`, which was checked to be one.
fn reflog_key(branch: BranchNo, revision: u64) -> ReflogKey {
    branch.reflog(u32::try_from(revision).unwrap_or(u32::MAX))
}

/// When a session was last used is read off the newest op and the newest move of each branch.
/// Notes it when the clock went back, so that something earlier is later than the `last` one.
fn keep_time(db: &Connection, branch: &BranchRow, earlier: Option<i64>, last: i64) -> Answer<()> {
    let tip = branch.stretch.map(|stretch| stretch.tip.at);
    match earlier.max(tip) {
        Some(latest) if latest > last => touch(db, branch.session, latest),
        _ => Ok(()),
    }
}
