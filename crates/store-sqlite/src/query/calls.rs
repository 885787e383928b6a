//! Reading the call log.

use branchwork_core::{
    call::CallRecord,
    clock::Timestamp,
    codec,
    id::{MessageId, SessionId},
    store::StoreError,
};
use rusqlite::{Connection, Row};

use super::{
    lineage::{find_op, op_id},
    session,
};
use crate::{
    error::{Answer, Failure},
    key::{OpKey, branch_id},
};

/// The calls of a session behind that of `after`, in the order of their keys.
pub(crate) fn read(
    db: &Connection,
    id: SessionId,
    after: Option<MessageId>,
    limit: usize,
) -> Answer<Vec<CallRecord>> {
    let session = session::find(db, id)?;
    let after = match after {
        None => None,
        Some(answer) => {
            let missing = || Failure::from(StoreError::no_op(answer.op()));
            Some(find_op(db, session, answer.op())?.ok_or_else(missing)?)
        }
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // The stretches in order, and in each the calls in order: no row has to be sorted.
    let mut statement = db.prepare_cached(
        "SELECT c.key, s.branch, o.at, c.entry
         FROM stretch s
         CROSS JOIN call c ON c.key >= s.no << 32 AND c.key < (s.no + 1) << 32
         CROSS JOIN op o ON o.key = c.key
         WHERE s.session = ?1 AND s.no >= ?2 >> 32 AND c.key > ?2
         ORDER BY s.no, c.key LIMIT ?3",
    )?;
    let mut rows = statement.query((session, after.unwrap_or(OpKey::NONE), limit))?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        calls.push(record(db, id, row)?);
    }
    Ok(calls)
}

fn record(db: &Connection, session: SessionId, row: &Row<'_>) -> Answer<CallRecord> {
    let answer: MessageId = op_id(db, row.get(0)?)?.into();
    let call = codec::decode_call(codec::VERSION, row.get_ref(3)?.as_bytes()?);
    let call = call.map_err(|error| {
        let problem = format!("the call of {answer} cannot be read");
        StoreError::Corrupt { problem, source: Some(Box::new(error)) }
    })?;
    let branch = branch_id(row.get(1)?);
    Ok(CallRecord { answer, session, branch, at: Timestamp::from_micros(row.get(2)?), call })
}
