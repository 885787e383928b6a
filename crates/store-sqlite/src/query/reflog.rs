//! The moves of a branch's head: those that are stored, and between them the appends that follow
//! from the ops.

use branchwork_core::{
    clock::Timestamp,
    id::BranchId,
    store::{Cause, ReflogEntry, StoreError},
};
use rusqlite::{Connection, OptionalExtension as _};

use super::{lineage::op_id, ops::read_one, session};
use crate::{
    error::{Answer, Failure},
    key::{BranchNo, OpKey, ReflogKey},
};

/// One stored move.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub(crate) revision: u64,
    pub(crate) cause: String,
    pub(crate) from: Option<OpKey>,
    pub(crate) to: Option<OpKey>,
    at: i64,
}

/// The moves of a branch whose revision is below `before`, newest first, at most `limit`.
pub(crate) fn read(
    db: &Connection,
    id: BranchId,
    before: u64,
    limit: usize,
) -> Answer<Vec<ReflogEntry>> {
    let (branch, _) = session::live_branch(db, id)?;
    let mut entries = Vec::new();
    let mut next = branch.revision().min(before.saturating_sub(1));
    while next > 0 && entries.len() < limit {
        let Some(stored) = move_up_to(db, branch.no, next)? else { break };
        while next > stored.revision && entries.len() < limit {
            entries.push(append(db, &stored, next)?);
            next -= 1;
        }
        if entries.len() < limit {
            next = stored.revision - 1;
            entries.push(stored_entry(db, stored)?);
        }
    }
    Ok(entries)
}

/// The newest stored move whose revision is at most `revision`.
fn move_up_to(db: &Connection, branch: BranchNo, revision: u64) -> Answer<Option<Move>> {
    let mut statement = db.prepare_cached(
        "SELECT key, cause, from_key, to_key, at FROM reflog
         WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    )?;
    let last = u32::try_from(revision).unwrap_or(u32::MAX);
    let found = statement.query_row((branch.reflog(1), branch.reflog(last)), |row| {
        Ok(Move {
            revision: row.get::<_, ReflogKey>(0)?.revision().into(),
            cause: row.get(1)?,
            from: row.get(2)?,
            to: row.get(3)?,
            at: row.get(4)?,
        })
    });
    Ok(found.optional()?)
}

/// The append that led to `revision`: as many ops behind `stored` as it lies behind.
fn append(db: &Connection, stored: &Move, revision: u64) -> Answer<ReflogEntry> {
    let head = stored.to.map(|to| to.plus(revision - stored.revision));
    appended(db, revision, head)
}

fn appended(db: &Connection, revision: u64, head: Option<OpKey>) -> Answer<ReflogEntry> {
    let missing = || Failure::from(StoreError::corrupt("a reflog names an op that is not there"));
    let op = match head {
        Some(head) => read_one(db, head)?.ok_or_else(missing)?,
        None => return Err(missing()),
    };
    Ok(ReflogEntry {
        revision,
        cause: Cause::Append,
        step: Some(op.step),
        from: op.parent,
        to: Some(op.id),
        at: op.at,
    })
}

fn stored_entry(db: &Connection, stored: Move) -> Answer<ReflogEntry> {
    let Move { revision, cause, from, to, at } = stored;
    match Cause::from_name(&cause) {
        Some(Cause::Append) => appended(db, revision, to),
        Some(cause) => {
            let from = from.map(|from| op_id(db, from)).transpose()?;
            let to = to.map(|to| op_id(db, to)).transpose()?;
            let at = Timestamp::from_micros(at);
            Ok(ReflogEntry { revision, cause, step: None, from, to, at })
        }
        None => Err(StoreError::corrupt("a reflog has an unknown cause").into()),
    }
}
