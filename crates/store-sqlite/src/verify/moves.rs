//! The reflog: that it has no gap, and that heads and revisions follow from it and the ops.

use branchwork_core::store::Cause;
use rusqlite::Connection;

use super::Problems;
use crate::{
    error::Answer,
    key::{BranchNo, OpKey, ReflogKey, branch_id, stretch_id},
    query::branch::{self, BranchRow},
};

pub(super) fn check(db: &Connection, problems: &mut Problems) -> Answer<()> {
    check_owners(db, problems)?;
    check_parents(db, problems)?;
    let mut statement = db.prepare("SELECT id FROM branch WHERE deleted IS NULL")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let id = branch_id(row.get(0)?);
        let branch = branch::find(db, id);
        if let Some(problem) = branch.and_then(|branch| check_branch(db, &branch))? {
            problems.push(format!("branch {id}: {problem}"));
        }
    }
    Ok(())
}

/// Moves of branches that are not there.
fn check_owners(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare(
        "SELECT DISTINCT key >> 32 FROM reflog WHERE key >> 32 NOT IN (SELECT no FROM branch)",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let branch: i64 = row.get(0)?;
        problems.push(format!("the reflog has moves of branch {branch}, which is not there"));
    }
    Ok(())
}

/// Stretches that do not begin where their branch was.
fn check_parents(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare(
        "SELECT s.id FROM reflog r JOIN stretch s ON s.no = r.to_key >> 32
         WHERE r.cause = 'append' AND r.to_key & 0xffffffff = 0 AND r.from_key IS NOT s.parent",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let first = stretch_id(row.get(0)?).op(0);
        let problem = "it builds on another op than its branch appended it to";
        problems.push(format!("the stretch of op {first}: {problem}"));
    }
    Ok(())
}

/// Where a branch is after a move.
#[derive(Debug, Clone, Copy)]
struct Stage {
    revision: u64,
    head: Option<OpKey>,
}

/// Follows every move of a branch. Returns the first thing that does not fit.
fn check_branch(db: &Connection, branch: &BranchRow) -> Answer<Option<&'static str>> {
    let mut statement = db.prepare_cached(
        "SELECT key, cause, from_key, to_key FROM reflog WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    )?;
    let mut rows = statement.query(keys_of(branch.no))?;
    let mut stage: Option<Stage> = None;
    while let Some(row) = rows.next()? {
        let key: ReflogKey = row.get(0)?;
        let revision = u64::from(key.revision());
        if Cause::from_name(row.get_ref(1)?.as_str()?).is_none() {
            return Ok(Some("its reflog has an unknown cause"));
        }
        let before = match stage {
            None if revision == 1 => Some(Stage { revision: 0, head: None }),
            None => return Ok(Some("its reflog does not begin with its creation")),
            Some(stage) => stage.after_appends(db, revision - 1)?,
        };
        let from: Option<OpKey> = row.get(2)?;
        if before.is_none_or(|before| before.head != from) {
            return Ok(Some("its reflog has a gap"));
        }
        stage = Some(Stage { revision, head: row.get(3)? });
    }
    let Some(stage) = stage else { return Ok(Some("it has no reflog")) };
    let now = stage.after_appends(db, branch.revision())?;
    let fits = now.is_some_and(|now| now.head == branch.head());
    Ok((!fits).then_some("its head does not follow from its reflog"))
}

const fn keys_of(branch: BranchNo) -> (ReflogKey, ReflogKey) {
    (branch.reflog(0), branch.reflog(u32::MAX))
}

impl Stage {
    /// The stage at `revision`, when nothing but appends came in between; `None` when there are
    /// too few ops for that, or the revision is an earlier one.
    fn after_appends(self, db: &Connection, revision: u64) -> Answer<Option<Self>> {
        match (revision.checked_sub(self.revision), self.head) {
            (Some(0), _) => Ok(Some(self)),
            (Some(appended), Some(head)) => {
                let mut statement = db.prepare_cached("SELECT 1 FROM op WHERE key = ?1")?;
                let now = head.plus(appended);
                let is_there = now.stretch() == head.stretch() && statement.exists([now])?;
                Ok(is_there.then_some(Self { revision, head: Some(now) }))
            }
            _ => Ok(None),
        }
    }
}
