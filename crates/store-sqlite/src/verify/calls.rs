//! The call log: each entry can be read, and belongs to an answer.

use branchwork_core::codec;
use rusqlite::Connection;

use super::Problems;
use crate::{error::Answer, key::OpKey, query::lineage::op_id};

pub(super) fn check(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare(
        "SELECT c.key, c.entry, o.key IS NOT NULL FROM call c LEFT JOIN op o ON o.key = c.key",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let key: OpKey = row.get(0)?;
        if !row.get::<_, bool>(2)? {
            problems.push(format!("call {key:?} belongs to no op"));
        } else if let Err(error) = codec::decode_call(codec::VERSION, row.get_ref(1)?.as_bytes()?) {
            problems.push(format!("the call of op {}: {error}", op_id(db, key)?));
        }
    }
    Ok(())
}
