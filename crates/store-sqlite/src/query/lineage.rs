//! Stretches: finding them, and the way from the root to an op.

use branchwork_core::{
    graph::Lineage,
    id::{BranchId, OpId, SessionId, StretchId},
    store::StoreError,
};
use rusqlite::{Connection, OptionalExtension as _};

use super::session;
use crate::{
    error::{Answer, Failure},
    key::{OpKey, SessionNo, StretchNo, branch_id, stretch_bytes, stretch_id},
};

/// One stretch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StretchRow {
    pub(crate) no: StretchNo,
    pub(crate) session: SessionNo,
    /// The branch that began it.
    pub(crate) branch: BranchId,
    /// What its first op builds on.
    pub(crate) parent: Option<OpKey>,
}

/// The stretch with this identifier, of whatever session.
pub(crate) fn find_stretch(db: &Connection, id: StretchId) -> Answer<Option<StretchRow>> {
    let mut statement =
        db.prepare_cached("SELECT no, session, branch, parent FROM stretch WHERE id = ?1")?;
    let stretch = statement.query_row([stretch_bytes(id)], |row| {
        Ok(StretchRow {
            no: row.get(0)?,
            session: row.get(1)?,
            branch: branch_id(row.get(2)?),
            parent: row.get(3)?,
        })
    });
    Ok(stretch.optional()?)
}

/// The identifier of a stretch and what its first op builds on.
pub(crate) fn stretch(db: &Connection, no: StretchNo) -> Answer<(StretchId, Option<OpKey>)> {
    let mut statement = db.prepare_cached("SELECT id, parent FROM stretch WHERE no = ?1")?;
    let found = statement.query_row([no], |row| Ok((stretch_id(row.get(0)?), row.get(1)?)));
    let missing = || Failure::from(StoreError::corrupt("an op lies in no stretch"));
    found.optional()?.ok_or_else(missing)
}

/// The identifier of an op.
pub(crate) fn op_id(db: &Connection, op: OpKey) -> Answer<OpId> {
    let (id, _) = stretch(db, op.stretch())?;
    Ok(id.op(op.place()))
}

/// The key of an op of a session; `None` when there is no such op.
pub(crate) fn find_op(db: &Connection, session: SessionNo, id: OpId) -> Answer<Option<OpKey>> {
    let found = find_stretch(db, id.stretch())?.filter(|stretch| stretch.session == session);
    let Some(stretch) = found else { return Ok(None) };
    let key = stretch.no.op(id.place());
    let mut statement = db.prepare_cached("SELECT 1 FROM op WHERE key = ?1")?;
    Ok(statement.exists([key])?.then_some(key))
}

/// The last place of a stretch that has ops.
pub(crate) fn last_op(db: &Connection, stretch: StretchNo) -> Answer<Option<OpKey>> {
    let mut statement = db.prepare_cached(
        "SELECT key FROM op WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT 1",
    )?;
    let keys = (stretch.op(0), stretch.following().op(0));
    Ok(statement.query_row(keys, |row| row.get(0)).optional()?)
}

/// The way from the root to `op`.
pub(crate) fn lineage(db: &Connection, id: SessionId, op: OpId) -> Answer<Lineage> {
    let session = session::find(db, id)?;
    let missing = || Failure::from(StoreError::no_op(op));
    let mut at = Some(find_op(db, session, op)?.ok_or_else(missing)?);
    let mut runs = Vec::new();
    while let Some(key) = at {
        let (id, parent) = stretch(db, key.stretch())?;
        runs.push((id, key.place() + 1));
        at = parent;
    }
    Ok(Lineage::from_runs(runs.into_iter().rev()))
}
