//! Checking what is stored: every invariant that can be seen in a file.
//!
//! - `file`: what SQLite itself can check, and bodies that are kept apart.
//! - `records`: sessions and branches.
//! - `moves`: the reflog, and that heads and revisions follow from it and the ops.
//! - `calls`: the call log.
//! - `mail`: envelopes and deliveries.
//! - `index`: the index of searches.
//! - `ops`: stretches, and the fold of all ops.

mod calls;
mod file;
mod index;
mod mail;
mod moves;
mod ops;
mod records;

use branchwork_core::store::{StoreError, VerifyReport};
use rusqlite::Connection;

use crate::error::{Answer, Failure};

/// What was found wrong, one line each.
type Problems = Vec<String>;

/// Checks everything. Damage ends up in the report, as far as the file can be read at all.
pub(crate) fn verify(db: &Connection) -> Answer<VerifyReport> {
    let mut report = VerifyReport::default();
    let problems = &mut report.problems;
    let result = file::check(db, problems);
    go_on(result, problems)?;
    let result = records::check(db, problems);
    go_on(result, problems)?;
    let result = moves::check(db, problems);
    go_on(result, problems)?;
    let result = calls::check(db, problems);
    go_on(result, problems)?;
    let result = mail::check(db, problems);
    go_on(result, problems)?;
    let result = index::check(db, problems);
    go_on(result, problems)?;
    let result = ops::check(db, problems, &mut report.ops);
    go_on(result, problems)?;
    Ok(report)
}

/// Makes damage that ended a check early a problem.
fn go_on(result: Answer<()>, problems: &mut Problems) -> Answer<()> {
    match result.map_err(Failure::into_error) {
        Err(StoreError::Corrupt { problem, .. }) => {
            problems.push(problem);
            Ok(())
        }
        result => Ok(result?),
    }
}
