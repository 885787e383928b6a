//! The index of searches: it names messages that are there, and no more of a stretch than there is.

use rusqlite::Connection;

use super::Problems;
use crate::error::Answer;

/// Each counts what has one problem.
const CHECKS: [(&str, &str); 3] = [
    (
        "messages that are not there",
        "SELECT count(*) FROM search_doc WHERE key NOT IN (SELECT key FROM op)",
    ),
    (
        "stretches that are not there, or are shorter than it says",
        "SELECT count(*) FROM search_mark m
         WHERE m.places > 0 AND NOT EXISTS (
             SELECT 1 FROM op WHERE key = (m.stretch << 32) + m.places - 1
         )",
    ),
    (
        "messages of stretches that it does not know",
        "SELECT count(*) FROM search_doc d LEFT JOIN search_mark m ON m.stretch = d.key >> 32
         WHERE m.places IS NULL OR d.key & 0xffffffff >= m.places",
    ),
];

pub(super) fn check(db: &Connection, problems: &mut Problems) -> Answer<()> {
    for (problem, sql) in CHECKS {
        let count: u32 = db.query_row(sql, (), |row| row.get(0))?;
        if count > 0 {
            problems.push(format!("the index of searches names {count} {problem}"));
        }
    }
    Ok(())
}
