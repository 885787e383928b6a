//! Sessions: their rows, and what follows from their branches.

use std::{cmp::Reverse, collections::BTreeMap};

use branchwork_core::{
    clock::Timestamp,
    codec,
    config::Defaults,
    id::{BranchId, SessionId},
    store::{BranchRecord, SessionRecord, StoreError},
};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{
    branch::{self, BranchRow, newest_move, standing},
    lineage::stretch,
};
use crate::{
    error::{Answer, Failure},
    key::{OpKey, SessionNo, StretchNo, branch_id, session_bytes, session_id},
};

/// All that is known of sessions that were not deleted.
macro_rules! select_session {
    ($condition:literal) => {
        concat!(
            "SELECT s.no, s.id, s.name, s.created, s.touched, s.archived, b.id, s.defaults
             FROM session s LEFT JOIN branch b ON b.no = s.default_branch
             WHERE s.deleted IS NULL AND ",
            $condition
        )
    };
}

/// One session that was not deleted.
struct SessionRow {
    no: SessionNo,
    id: SessionId,
    name: Option<String>,
    created: Timestamp,
    touched: i64,
    archived: Option<Timestamp>,
    default_branch: Option<BranchId>,
    defaults: Option<String>,
}

impl SessionRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            no: row.get(0)?,
            id: session_id(row.get(1)?),
            name: row.get(2)?,
            created: Timestamp::from_micros(row.get(3)?),
            touched: row.get(4)?,
            archived: row.get::<_, Option<_>>(5)?.map(Timestamp::from_micros),
            default_branch: row.get::<_, Option<_>>(6)?.map(branch_id),
            defaults: row.get(7)?,
        })
    }

    fn into_record(self, db: &Connection) -> Answer<SessionRecord> {
        let branches = branch::of_session(db, self.no)?;
        let missing = || Failure::from(StoreError::corrupt("a session has no default branch"));
        let updated = updated(db, &branches)?.map_or(self.touched, |at| at.max(self.touched));
        Ok(SessionRecord {
            id: self.id,
            name: self.name,
            created: self.created,
            updated: Timestamp::from_micros(updated),
            archived: self.archived,
            default_branch: self.default_branch.ok_or_else(missing)?,
            defaults: self
                .defaults
                .map_or(Ok(Defaults::default()), |json| decode(self.id, &json))?,
            branches: u32::try_from(branches.len()).unwrap_or(u32::MAX),
            messages: distinct_messages(db, &branches)?,
        })
    }
}

/// What the new branches of a session begin with.
fn decode(session: SessionId, defaults: &str) -> Answer<Defaults> {
    codec::decode_defaults(codec::VERSION, defaults.as_bytes()).map_err(|error| {
        let problem = format!("the defaults of session {session} cannot be decoded");
        StoreError::Corrupt { problem, source: Some(Box::new(error)) }.into()
    })
}

/// Every session, the most recently used first.
pub(crate) fn all(db: &Connection) -> Answer<Vec<SessionRecord>> {
    let mut statement = db.prepare_cached(select_session!("true"))?;
    let mut rows = statement.query(())?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next()? {
        sessions.push(SessionRow::read(row)?.into_record(db)?);
    }
    sessions.sort_by_key(|session| (Reverse(session.updated), session.id));
    Ok(sessions)
}

/// One session.
pub(crate) fn record(db: &Connection, id: SessionId) -> Answer<SessionRecord> {
    let mut statement = db.prepare_cached(select_session!("s.id = ?1"))?;
    let row = statement.query_row([session_bytes(id)], SessionRow::read).optional()?;
    row.ok_or_else(|| Failure::from(StoreError::no_session(id)))?.into_record(db)
}

/// The number of a session that was not deleted.
pub(crate) fn find(db: &Connection, id: SessionId) -> Answer<SessionNo> {
    let missing = || Failure::from(StoreError::no_session(id));
    find_live(db, id)?.ok_or_else(missing)
}

/// The number of a session; `None` when there is none, or it was deleted.
pub(crate) fn find_live(db: &Connection, id: SessionId) -> Answer<Option<SessionNo>> {
    let mut statement =
        db.prepare_cached("SELECT no FROM session WHERE id = ?1 AND deleted IS NULL")?;
    Ok(statement.query_row([session_bytes(id)], |row| row.get(0)).optional()?)
}

/// What a caller is told of the branches of a session.
pub(crate) fn branches(db: &Connection, id: SessionId) -> Answer<Vec<BranchRecord>> {
    let rows = branch::of_session(db, find(db, id)?)?;
    rows.iter().map(|row| row.record(db, id)).collect()
}

/// What a caller is told of one branch.
pub(crate) fn branch(db: &Connection, id: BranchId) -> Answer<BranchRecord> {
    let (row, session) = live_branch(db, id)?;
    row.record(db, session)
}

/// A branch of a session that was not deleted either, and that session.
pub(crate) fn live_branch(db: &Connection, id: BranchId) -> Answer<(BranchRow, SessionId)> {
    let row = branch::find(db, id)?;
    let mut statement =
        db.prepare_cached("SELECT id FROM session WHERE no = ?1 AND deleted IS NULL")?;
    let session = statement.query_row([row.session], |row| row.get(0)).optional()?;
    let session = session.ok_or_else(|| Failure::from(StoreError::no_branch(id)))?;
    Ok((row, session_id(session)))
}

/// When an op or a move last happened on one of `branches`.
///
/// The newest of each is looked at only: the writer notes in `session.touched` when it is not the
/// latest, because the clock went back.
pub(crate) fn updated(db: &Connection, branches: &[BranchRow]) -> Answer<Option<i64>> {
    let mut updated = None;
    for branch in branches {
        let appended = branch.stretch.map(|stretch| stretch.tip.at);
        updated = updated.max(appended).max(newest_move(db, branch.no)?);
    }
    Ok(updated)
}

/// Counts the messages on the way to any head once.
fn distinct_messages(db: &Connection, branches: &[BranchRow]) -> Answer<u64> {
    let mut reached = Reached::default();
    for head in branches.iter().filter_map(BranchRow::head) {
        reached.add(db, head)?;
    }
    let mut messages: i64 = 0;
    for (stretch, (length, parent)) in &reached.stretches {
        messages += i64::from(standing(db, stretch.op(length.saturating_sub(1)))?);
        if let Some(parent) = parent {
            messages -= i64::from(standing(db, *parent)?);
        }
    }
    Ok(u64::try_from(messages).unwrap_or_default())
}

/// How far stretches are reached from some ops.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// How many ops of it, and what its first op builds on.
    pub(crate) stretches: BTreeMap<StretchNo, (u32, Option<OpKey>)>,
}

impl Reached {
    /// Adds the way to `op`.
    pub(crate) fn add(&mut self, db: &Connection, op: OpKey) -> Answer<()> {
        let mut at = Some(op);
        while let Some(op) = at {
            let length = op.place() + 1;
            if let Some((known, _)) = self.stretches.get_mut(&op.stretch()) {
                // What lies before it was reached when this stretch was.
                *known = length.max(*known);
                return Ok(());
            }
            let (_, parent) = stretch(db, op.stretch())?;
            self.stretches.insert(op.stretch(), (length, parent));
            at = parent;
        }
        Ok(())
    }
}
