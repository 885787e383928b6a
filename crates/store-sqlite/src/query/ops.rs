//! Reading ops, with their bodies.

use std::ops::Range;

use branchwork_core::{
    clock::Timestamp,
    codec::{self, OpPlace},
    graph::Op,
    id::{OpId, SessionId, StretchId},
    limits::READ_OPS_MAX,
    store::StoreError,
};
use rusqlite::{Connection, OptionalExtension as _, Row, types::ValueRef};

use super::{
    lineage::{find_stretch, op_id, stretch},
    session,
};
use crate::{
    error::{Answer, Failure},
    key::{OpKey, StretchNo},
};

/// The columns that [`decode`] reads.
macro_rules! select_ops {
    ($condition:literal) => {
        concat!("SELECT key, at, standing, blob, head, body FROM op WHERE ", $condition)
    };
}
pub(crate) use select_ops;

/// A stretch, as far as its ops need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) id: StretchId,
    /// What its first op builds on.
    pub(crate) parent: Option<OpId>,
}

/// The ops at `places` of one stretch of a session; none when there is no such stretch.
pub(crate) fn read(
    db: &Connection,
    session: SessionId,
    id: StretchId,
    places: Range<u32>,
) -> Answer<Vec<Op>> {
    let session = session::find_live(db, session)?;
    let stretch = find_stretch(db, id)?.filter(|stretch| Some(stretch.session) == session);
    let Some(stretch) = stretch else { return Ok(Vec::new()) };
    let parent = stretch.parent.map(|parent| op_id(db, parent)).transpose()?;
    let end = places.end.min(places.start.saturating_add(READ_OPS_MAX));
    let length = end.saturating_sub(places.start);
    let mut ops = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    let mut statement = db.prepare_cached(select_ops!("key >= ?1 AND key < ?2 ORDER BY key"))?;
    let mut rows = statement.query((stretch.no.op(places.start), stretch.no.op(end)))?;
    while let Some(row) = rows.next()? {
        ops.push(decode(db, Origin { id, parent }, row)?);
    }
    Ok(ops)
}

/// One op; `None` when there is none.
pub(crate) fn read_one(db: &Connection, key: OpKey) -> Answer<Option<Op>> {
    let origin = origin(db, key.stretch())?;
    let mut statement = db.prepare_cached(select_ops!("key = ?1"))?;
    let mut rows = statement.query([key])?;
    rows.next()?.map(|row| decode(db, origin, row)).transpose()
}

/// The stretch with this number.
pub(crate) fn origin(db: &Connection, no: StretchNo) -> Answer<Origin> {
    let (id, parent) = stretch(db, no)?;
    let parent = parent.map(|parent| op_id(db, parent)).transpose()?;
    Ok(Origin { id, parent })
}

/// The op in `row`, which has the columns of [`select_ops`].
pub(crate) fn decode(db: &Connection, origin: Origin, row: &Row<'_>) -> Answer<Op> {
    let key: OpKey = row.get(0)?;
    let id = origin.id.op(key.place());
    let parent = id.previous().or(origin.parent);
    let at = Timestamp::from_micros(row.get(1)?);
    let place = OpPlace { id, parent, at, standing: row.get(2)? };
    let head = bytes(row.get_ref(4)?)?;
    let decoded = match row.get_ref(3)? {
        ValueRef::Null => codec::decode(codec::VERSION, place, head, bytes(row.get_ref(5)?)?),
        blob => {
            let body = large_body(db, blob.as_i64()?)?;
            codec::decode(codec::VERSION, place, head, &body)
        }
    };
    decoded.map_err(|error| {
        let problem = format!("op {id} cannot be decoded");
        StoreError::Corrupt { problem, source: Some(Box::new(error)) }.into()
    })
}

/// A body that lies apart.
fn large_body(db: &Connection, no: i64) -> Answer<Vec<u8>> {
    let mut statement = db.prepare_cached("SELECT bytes FROM blob WHERE no = ?1")?;
    let found = statement.query_row([no], |row| row.get(0)).optional()?;
    found.ok_or_else(|| Failure::from(StoreError::corrupt("the body of an op is not there")))
}

/// The bytes of a text, none for NULL.
fn bytes(value: ValueRef<'_>) -> Answer<&[u8]> {
    Ok(value.as_bytes_or_null()?.unwrap_or_default())
}
