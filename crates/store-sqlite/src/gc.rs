//! Taking away what no branch and no reflog reaches.

use branchwork_core::store::{GcReport, StoreError};
use rusqlite::Connection;

use crate::{
    error::Answer,
    key::StretchNo,
    query::{lineage::last_op, session::Reached},
    schema, search,
};

/// The part of the file that is free from which on it is written anew without the gaps.
const FREE_PART: u32 = 4;

/// The branches that were not deleted, nor their sessions.
macro_rules! live_branches {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM branch b JOIN session s ON s.no = b.session
             WHERE b.deleted IS NULL AND s.deleted IS NULL"
        )
    };
}

/// Collects, in one transaction, and gives the space back.
pub(crate) fn collect(db: &mut Connection) -> Answer<GcReport> {
    // Each row taken away would be looked up in tables that have no index for it. What the keys
    // say is checked at the end instead.
    db.execute_batch("PRAGMA foreign_keys = OFF")?;
    let report = collect_checked(db);
    db.execute_batch("PRAGMA foreign_keys = ON")?;
    let report = report?;
    if report != GcReport::default() {
        // The space is free in any case: failing to give it back is no failure to collect.
        drop(give_back(db));
    }
    Ok(report)
}

fn collect_checked(db: &mut Connection) -> Answer<GcReport> {
    let transaction = schema::begin(db)?;
    let report = take_away(&transaction)?;
    for table in ["session", "branch", "stretch", "reflog", "call", "mail", "delivery"] {
        let mut statement = transaction.prepare(&format!("PRAGMA foreign_key_check({table})"))?;
        if statement.exists(())? {
            let problem = format!("table {table} refers to what is not there");
            return Err(StoreError::corrupt(problem).into());
        }
    }
    transaction.commit()?;
    Ok(report)
}

fn take_away(db: &Connection) -> Answer<GcReport> {
    let mut report = GcReport { ops: cut_stretches(db, &reached(db)?)?, ..GcReport::default() };
    let count = |sql: &str| db.execute(sql, ()).map(|count| count as u64);
    count(concat!("DELETE FROM reflog WHERE key >> 32 NOT IN (", live_branches!("b.no"), ")"))?;
    report.branches =
        count(concat!("DELETE FROM branch WHERE no NOT IN (", live_branches!("b.no"), ")"))?;
    let mail =
        "SELECT m.no FROM mail m JOIN session s ON s.no = m.session WHERE s.deleted IS NOT NULL";
    count(&format!("DELETE FROM delivery WHERE mail IN ({mail})"))?;
    count(&format!("DELETE FROM mail WHERE no IN ({mail})"))?;
    report.sessions = count("DELETE FROM session WHERE deleted IS NOT NULL")?;
    if report.ops > 0 || report.sessions > 0 {
        // What was deleted must not be found in it, and keys may be given again.
        search::clear(db)?;
    }
    if report.ops > 0 {
        count("DELETE FROM call WHERE key NOT IN (SELECT key FROM op)")?;
        report.blobs =
            count("DELETE FROM blob WHERE no NOT IN (SELECT blob FROM op WHERE blob IS NOT NULL)")?;
    }
    Ok(report)
}

/// How far each stretch is reached: by what was appended to it, when its branch is there, and by
/// where heads have been.
fn reached(db: &Connection) -> Answer<Reached> {
    let mut reached = Reached::default();
    let mut statement = db.prepare(concat!(
        "SELECT no FROM stretch WHERE branch IN (",
        live_branches!("b.id"),
        ")"
    ))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if let Some(last) = last_op(db, row.get(0)?)? {
            reached.add(db, last)?;
        }
    }
    let mut statement = db.prepare(concat!(
        "SELECT to_key FROM reflog WHERE to_key IS NOT NULL AND key >> 32 IN (",
        live_branches!("b.no"),
        ")"
    ))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        reached.add(db, row.get(0)?)?;
    }
    Ok(reached)
}

/// Cuts every stretch back to what is reached of it. Returns how many ops went.
fn cut_stretches(db: &Connection, reached: &Reached) -> Answer<u64> {
    let mut statement = db.prepare("SELECT no FROM stretch")?;
    let stretches = statement.query_map((), |row| row.get(0))?;
    let stretches = stretches.collect::<Result<Vec<StretchNo>, _>>()?;
    let mut cut = db.prepare("DELETE FROM op WHERE key >= ?1 AND key < ?2")?;
    let mut take = db.prepare("DELETE FROM stretch WHERE no = ?1")?;
    let mut gone = 0;
    for stretch in stretches {
        let kept = reached.stretches.get(&stretch).map_or(0, |(length, _)| *length);
        gone += cut.execute((stretch.op(kept), stretch.following().op(0)))?;
        if kept == 0 {
            take.execute([stretch])?;
        }
    }
    Ok(gone as u64)
}

/// Writes the file anew without its gaps, when they are a large part of it.
fn give_back(db: &Connection) -> rusqlite::Result<()> {
    let number = |pragma: &str| db.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
    if number("freelist_count")?.saturating_mul(FREE_PART) >= number("page_count")? {
        db.execute_batch("VACUUM")?;
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
    }
    Ok(())
}
