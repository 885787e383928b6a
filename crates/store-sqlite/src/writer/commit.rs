//! Applying one commit inside the writer's transaction.

use branchwork_core::store::{Change, StoreError};
use rusqlite::Connection;

use super::{changes, heads, mail, moves, prepare::Prepared};
use crate::{
    error::{Answer, Failure},
    key::{SessionNo, session_bytes},
    query::{lineage::find_op, session},
};

/// Applies one commit: all of it, or, when it is refused, nothing.
pub(super) fn apply(db: &Connection, prepared: &Prepared) -> Answer<()> {
    if prepared.commit.changes.is_empty() {
        // Everything is checked before anything is written.
        return apply_checked(db, prepared, session::find(db, prepared.commit.session)?);
    }
    // Changes build on each other, so they are checked while they are written.
    db.prepare_cached("SAVEPOINT changes")?.execute(())?;
    match apply_changes(db, prepared) {
        Err(Failure::Refused(error)) => {
            db.prepare_cached("ROLLBACK TO changes")?.execute(())?;
            db.prepare_cached("RELEASE changes")?.execute(())?;
            Err(error.into())
        }
        Err(failure) => Err(failure),
        Ok(()) => {
            db.prepare_cached("RELEASE changes")?.execute(())?;
            Ok(())
        }
    }
}

fn apply_changes(db: &Connection, prepared: &Prepared) -> Answer<()> {
    let commit = &prepared.commit;
    if changes::is_repeated_deletion(db, commit)? {
        return Ok(());
    }
    if !matches!(commit.changes.first(), Some(Change::CreateSession { .. })) {
        session::find(db, commit.session)?;
    }
    commit.changes.iter().try_for_each(|change| changes::apply(db, commit, change))?;
    apply_checked(db, prepared, find_any(db, prepared)?)
}

/// The number of the session, which the changes of the commit may just have deleted.
fn find_any(db: &Connection, prepared: &Prepared) -> Answer<SessionNo> {
    let id = prepared.commit.session;
    let mut statement = db.prepare_cached("SELECT no FROM session WHERE id = ?1")?;
    let mut rows = statement.query([session_bytes(id)])?;
    match rows.next()? {
        Some(row) => Ok(row.get(0)?),
        None => Err(StoreError::no_session(id).into()),
    }
}

/// Checks heads and mail, then writes them.
fn apply_checked(db: &Connection, prepared: &Prepared, session: SessionNo) -> Answer<()> {
    let chains = prepared.commit.chains()?;
    let plans = heads::check(db, session, &chains)?;
    let mail = mail::check(db, session, prepared)?;
    let mut rows = prepared.rows.as_slice();
    for (chain, plan) in chains.iter().zip(plans) {
        let (own, later) = rows.split_at(chain.ops.len().min(rows.len()));
        rows = later;
        if let Some(plan) = plan {
            moves::write(db, &plan, own, prepared.commit.at)?;
        }
    }
    keep_calls(db, prepared, session)?;
    mail::write(db, session, &mail)?;
    if prepared.commit.mail.is_empty() {
        return Ok(());
    }
    changes::touch(db, session, prepared.commit.at.as_micros())
}

/// Writes the calls whose answers were just written. One that is there was written before.
fn keep_calls(db: &Connection, prepared: &Prepared, session: SessionNo) -> Answer<()> {
    for ((answer, _), entry) in prepared.commit.calls.iter().zip(&prepared.calls) {
        if let Some(key) = find_op(db, session, *answer)? {
            db.prepare_cached("INSERT OR IGNORE INTO call (key, entry) VALUES (?1, ?2)")?
                .execute((key, entry))?;
        }
    }
    Ok(())
}
