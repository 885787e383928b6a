//! Sessions and branches.

use branchwork_core::codec;
use rusqlite::Connection;

use super::Problems;
use crate::{
    error::Answer,
    key::{branch_id, session_id},
};

/// Each finds the identifiers of branches with one problem.
const BRANCH_CHECKS: [(&str, &str); 4] = [
    (
        "its head is an op that is not there",
        "SELECT b.id FROM branch b
         WHERE b.at <> -1 AND NOT EXISTS (SELECT 1 FROM op WHERE key = b.at)",
    ),
    (
        "its head is an op of another session",
        "SELECT b.id FROM branch b JOIN stretch s ON s.no = b.at >> 32
         WHERE b.at <> -1 AND s.session <> b.session",
    ),
    (
        "its stretch is not its own",
        "SELECT b.id FROM branch b LEFT JOIN stretch s ON s.no = b.stretch
         WHERE b.stretch IS NOT NULL AND (s.branch IS NOT b.id OR s.session IS NOT b.session)",
    ),
    (
        "its revision was noted at an op that is not in its stretch",
        "SELECT b.id FROM branch b
         WHERE b.base_key IS NOT NULL AND (b.base_key >> 32 <> b.stretch
             OR NOT EXISTS (SELECT 1 FROM op WHERE key = b.base_key))",
    ),
];

pub(super) fn check(db: &Connection, problems: &mut Problems) -> Answer<()> {
    check_default_branches(db, problems)?;
    check_defaults(db, problems)?;
    for (problem, sql) in BRANCH_CHECKS {
        let mut statement = db.prepare(sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            problems.push(format!("branch {}: {problem}", branch_id(row.get(0)?)));
        }
    }
    Ok(())
}

fn check_defaults(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement =
        db.prepare("SELECT id, defaults FROM session WHERE defaults IS NOT NULL")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let defaults = row.get_ref(1)?.as_bytes()?;
        if let Err(error) = codec::decode_defaults(codec::VERSION, defaults) {
            problems.push(format!("session {}: {error}", session_id(row.get(0)?)));
        }
    }
    Ok(())
}

fn check_default_branches(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare(
        "SELECT s.id FROM session s
         LEFT JOIN branch b
             ON b.no = s.default_branch AND b.session = s.no AND b.deleted IS NULL
         WHERE s.deleted IS NULL AND b.no IS NULL",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let id = session_id(row.get(0)?);
        problems.push(format!("session {id}: its default branch is not there"));
    }
    Ok(())
}
