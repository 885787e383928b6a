//! Branches: their rows, and what follows from the ops of their stretch.

use branchwork_core::{
    clock::Timestamp,
    id::{BranchId, OpId, SessionId, StretchId},
    store::{BranchRecord, StoreError},
};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::lineage::op_id;
use crate::{
    error::{Answer, Failure},
    key::{BranchNo, OpKey, SessionNo, StretchNo, branch_bytes, branch_id, stretch_id},
};

/// All that is known of branches, beside the last op of their stretch.
macro_rules! select_branch {
    ($condition:literal) => {
        concat!(
            "SELECT b.no, b.id, b.session, b.name, b.created, b.forked_from, b.at, b.revision,
                    b.base_key, b.stretch, s.id
             FROM branch b LEFT JOIN stretch s ON s.no = b.stretch
             WHERE b.deleted IS NULL AND ",
            $condition
        )
    };
}

/// One branch that was not deleted.
#[derive(Debug, Clone)]
pub(crate) struct BranchRow {
    pub(crate) no: BranchNo,
    pub(crate) id: BranchId,
    pub(crate) session: SessionNo,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) forked_from: Option<BranchId>,
    /// `None` is the last op of its stretch.
    at: Option<OpKey>,
    /// What it was when the stretch ended at `base`.
    base_revision: u64,
    base: Option<OpKey>,
    /// The stretch it last appended to.
    pub(crate) stretch: Option<OwnStretch>,
}

/// The stretch a branch last appended to. It is never without an op.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnStretch {
    pub(crate) no: StretchNo,
    pub(crate) id: StretchId,
    /// Its last op.
    pub(crate) tip: Tip,
}

/// The last op of a stretch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tip {
    pub(crate) key: OpKey,
    pub(crate) at: i64,
    pub(crate) standing: u32,
}

impl BranchRow {
    /// The key of the last op of its own stretch.
    pub(crate) fn tip(&self) -> Option<OpKey> {
        self.stretch.map(|stretch| stretch.tip.key)
    }

    /// Where its head is.
    pub(crate) fn head(&self) -> Option<OpKey> {
        match self.at {
            None => self.tip(),
            Some(OpKey::NONE) => None,
            Some(at) => Some(at),
        }
    }

    /// How often its head was moved.
    pub(crate) fn revision(&self) -> u64 {
        let appended = self.tip().zip(self.base).map_or(0, |(tip, base)| tip.minus(base));
        self.base_revision + appended
    }

    /// The identifier of its head.
    pub(crate) fn head_id(&self, db: &Connection) -> Answer<Option<OpId>> {
        let Some(head) = self.head() else { return Ok(None) };
        match self.stretch {
            Some(stretch) if stretch.no == head.stretch() => Ok(Some(stretch.id.op(head.place()))),
            _ => op_id(db, head).map(Some),
        }
    }

    /// What a caller is told of it.
    pub(crate) fn record(&self, db: &Connection, session: SessionId) -> Answer<BranchRecord> {
        let messages = match (self.head(), self.stretch) {
            (None, _) => 0,
            (Some(head), Some(stretch)) if stretch.tip.key == head => stretch.tip.standing,
            (Some(head), _) => standing(db, head)?,
        };
        Ok(BranchRecord {
            id: self.id,
            session,
            name: self.name.clone(),
            created: self.created,
            forked_from: self.forked_from,
            head: self.head_id(db)?,
            tip: self.stretch.map(|stretch| stretch.id.op(stretch.tip.key.place())),
            revision: self.revision(),
            messages,
        })
    }

    fn read(db: &Connection, row: &Row<'_>) -> Answer<Self> {
        Ok(Self {
            no: row.get(0)?,
            id: branch_id(row.get(1)?),
            session: row.get(2)?,
            name: row.get(3)?,
            created: Timestamp::from_micros(row.get(4)?),
            forked_from: row.get::<_, Option<_>>(5)?.map(branch_id),
            at: row.get(6)?,
            base_revision: row.get::<_, i64>(7)?.try_into().unwrap_or_default(),
            base: row.get(8)?,
            stretch: read_stretch(db, row)?,
        })
    }
}

fn read_stretch(db: &Connection, row: &Row<'_>) -> Answer<Option<OwnStretch>> {
    let Some(no) = row.get::<_, Option<StretchNo>>(9)? else { return Ok(None) };
    let mut statement = db.prepare_cached(
        "SELECT key, at, standing FROM op WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT 1",
    )?;
    let mut rows = statement.query((no.op(0), no.following().op(0)))?;
    match (row.get::<_, Option<_>>(10)?, rows.next()?) {
        (Some(id), Some(op)) => {
            let tip = Tip { key: op.get(0)?, at: op.get(1)?, standing: op.get(2)? };
            Ok(Some(OwnStretch { no, id: stretch_id(id), tip }))
        }
        _ => Err(StoreError::corrupt("a branch has a stretch without ops").into()),
    }
}

/// One branch, of a session that may have been deleted.
pub(crate) fn find(db: &Connection, id: BranchId) -> Answer<BranchRow> {
    let mut statement = db.prepare_cached(select_branch!("b.id = ?1"))?;
    let mut rows = statement.query([branch_bytes(id)])?;
    match rows.next()? {
        Some(row) => BranchRow::read(db, row),
        None => Err(StoreError::no_branch(id).into()),
    }
}

/// One branch of a session.
pub(crate) fn find_own(db: &Connection, session: SessionNo, id: BranchId) -> Answer<BranchRow> {
    let branch = find(db, id)?;
    if branch.session == session { Ok(branch) } else { Err(StoreError::no_branch(id).into()) }
}

/// Checks that a session has that branch.
pub(crate) fn check_own(db: &Connection, session: SessionNo, id: BranchId) -> Answer<()> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM branch WHERE id = ?1 AND session = ?2 AND deleted IS NULL",
    )?;
    let is_there = statement.exists((branch_bytes(id), session))?;
    if is_there { Ok(()) } else { Err(StoreError::no_branch(id).into()) }
}

/// The branches of a session, in the order in which they were made.
pub(crate) fn of_session(db: &Connection, session: SessionNo) -> Answer<Vec<BranchRow>> {
    let mut statement = db.prepare_cached(select_branch!("b.session = ?1 ORDER BY b.no"))?;
    let mut rows = statement.query([session])?;
    let mut branches = Vec::new();
    while let Some(row) = rows.next()? {
        branches.push(BranchRow::read(db, row)?);
    }
    Ok(branches)
}

/// How many messages stand after an op.
pub(crate) fn standing(db: &Connection, op: OpKey) -> Answer<u32> {
    let mut statement = db.prepare_cached("SELECT standing FROM op WHERE key = ?1")?;
    let standing = statement.query_row([op], |row| row.get(0)).optional()?;
    standing.ok_or_else(|| Failure::from(StoreError::corrupt("a head is an op that is not there")))
}

/// When the newest stored move of a branch was made.
pub(crate) fn newest_move(db: &Connection, branch: BranchNo) -> Answer<Option<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT at FROM reflog WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    )?;
    let keys = (branch.reflog(0), branch.reflog(u32::MAX));
    Ok(statement.query_row(keys, |row| row.get(0)).optional()?)
}
