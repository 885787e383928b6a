//! What SQLite itself can check, and bodies that are kept apart.

use rusqlite::Connection;

use super::Problems;
use crate::{error::Answer, writer::body_hash};

/// Problems that SQLite reports at most.
const REPORTED_MAX: u32 = 100;

pub(super) fn check(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let before = problems.len();
    check_pages(db, problems)?;
    if problems.len() == before {
        check_references(db, problems)?;
    }
    check_bodies(db, problems)
}

/// Pages, trees, indexes, types and constraints.
fn check_pages(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare(&format!("PRAGMA integrity_check({REPORTED_MAX})"))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            problems.push(format!("file: {}", line.replace('\n', " ")));
        }
    }
    Ok(())
}

/// Rows that refer to rows that are not there.
fn check_references(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare(
        "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check ORDER BY 1, 2 LIMIT ?1",
    )?;
    let mut rows = statement.query([REPORTED_MAX])?;
    while let Some(row) = rows.next()? {
        let (table, key, parent): (String, Option<i64>, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let key = key.unwrap_or_default();
        problems.push(format!("{table} {key} refers to a row of {parent} that is not there"));
    }
    Ok(())
}

/// Bodies whose bytes are not those that were stored.
fn check_bodies(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare("SELECT no, hash, bytes FROM blob")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let hash: [u8; 32] = row.get(1)?;
        if body_hash(row.get_ref(2)?.as_bytes()?) != hash {
            let no: i64 = row.get(0)?;
            problems.push(format!("blob {no} is not what was stored: its hash differs"));
        }
    }
    Ok(())
}
