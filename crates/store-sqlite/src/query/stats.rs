//! Counting what is stored.

use std::{fs, path::Path};

use branchwork_core::store::StoreStats;
use rusqlite::Connection;

use crate::{error::Answer, probe::wal_path};

/// Counts what the file at `path` holds.
pub(crate) fn stats(db: &Connection, path: &Path) -> Answer<StoreStats> {
    let count = |sql: &str| -> rusqlite::Result<u64> {
        let count: i64 = db.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
        Ok(count.unsigned_abs())
    };
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    Ok(StoreStats {
        sessions: count("SELECT count(*) FROM session WHERE deleted IS NULL")?,
        branches: count(
            "SELECT count(*) FROM branch b JOIN session s ON s.no = b.session
             WHERE b.deleted IS NULL AND s.deleted IS NULL",
        )?,
        // Places count from 0 without a gap, so that the last of each stretch tells.
        ops: count(
            "SELECT coalesce(sum(1 + (
                 SELECT key & 0xffffffff FROM op
                 WHERE key >= s.no << 32 AND key < (s.no + 1) << 32 ORDER BY key DESC LIMIT 1
             )), 0) FROM stretch s",
        )?,
        blobs: count("SELECT count(*) FROM blob")?,
        bytes: bytes(path) + bytes(&wal_path(path)),
    })
}
