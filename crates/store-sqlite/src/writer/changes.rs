//! Changes to a session and its branches.
//!
//! Each is safe to repeat: what is already so is left as it is.

use branchwork_core::{
    clock::Timestamp,
    codec::{self, CodecError},
    config::Defaults,
    id::{BranchId, OpId},
    store::{Cause, Change, Commit, Conflict, StoreError},
};
use rusqlite::{Connection, OptionalExtension as _};

use super::{heirs::bequeath, moves::insert_move};
use crate::{
    error::{Answer, Failure},
    key::{BranchNo, OpKey, SessionNo, branch_bytes, branch_id, session_bytes},
    query::{
        branch::{self, BranchRow},
        lineage::find_op,
        session,
    },
};

/// Whether `commit` does nothing but delete a session that is deleted.
pub(super) fn is_repeated_deletion(db: &Connection, commit: &Commit) -> Answer<bool> {
    let deletes = commit.changes == [Change::DeleteSession] && commit.heads.is_empty();
    Ok(deletes && find_any(db, commit)?.is_some_and(|session| session.is_deleted))
}

/// Makes one change.
pub(super) fn apply(db: &Connection, commit: &Commit, change: &Change) -> Answer<()> {
    if let Change::CreateSession { name, branch, branch_name } = change {
        return create_session(db, commit, name.as_deref(), (*branch, branch_name));
    }
    let missing = || Failure::from(StoreError::no_session(commit.session));
    let session = find_any(db, commit)?.ok_or_else(missing)?.no;
    if let Change::CreateBranch { branch, name, forked_from, head } = change {
        let new = NewBranch { id: *branch, name, forked_from: *forked_from, head: *head };
        return create_branch(db, session, &new, commit.at).map(drop);
    }
    touch(db, session, commit.at.as_micros())?;
    change_own(db, commit, session, change)
}

/// Notes that something happened that does not follow from ops and moves.
pub(super) fn touch(db: &Connection, session: SessionNo, at: i64) -> Answer<()> {
    db.prepare_cached("UPDATE session SET touched = ?2 WHERE no = ?1 AND touched < ?2")?
        .execute((session, at))?;
    Ok(())
}

/// Changes what exists.
fn change_own(db: &Connection, commit: &Commit, session: SessionNo, change: &Change) -> Answer<()> {
    let at = commit.at.as_micros();
    let own = |id: &BranchId| branch::find_own(db, session, *id);
    match change {
        Change::RenameSession { name } => {
            check_session_name(db, commit, name.as_deref())?;
            db.prepare_cached("UPDATE session SET name = ?2 WHERE no = ?1")?
                .execute((session, name))?;
        }
        Change::ArchiveSession { archived } => {
            let sql =
                "UPDATE session SET archived = iif(?2, coalesce(archived, ?3), NULL) WHERE no = ?1";
            db.prepare_cached(sql)?.execute((session, archived, at))?;
        }
        Change::DeleteSession => {
            db.prepare_cached("UPDATE session SET deleted = ?2 WHERE no = ?1")?
                .execute((session, at))?;
        }
        Change::SetDefaults { defaults } => set_defaults(db, session, defaults)?,
        Change::SetDefaultBranch { branch } => set_default(db, session, own(branch)?.no)?,
        Change::RenameBranch { branch, name } => {
            let row = own(branch)?;
            check_branch_name(db, session, *branch, name)?;
            db.prepare_cached("UPDATE branch SET name = ?2 WHERE no = ?1")?
                .execute((row.no, name))?;
        }
        Change::ClearCalls => {
            db.prepare_cached(
                "DELETE FROM call WHERE key >> 32 IN (SELECT no FROM stretch WHERE session = ?1)",
            )?
            .execute([session])?;
        }
        Change::ExpectHead { branch, .. } if is_deleted(db, session, *branch)? => {}
        Change::ExpectHead { branch, head } => {
            let actual = own(branch)?.head_id(db)?;
            if actual != *head {
                return Err(conflict(Conflict::HeadMoved { branch: *branch, actual }));
            }
        }
        Change::DeleteBranch { branch, heir } => {
            delete_branch(db, commit, session, (*branch, *heir))?;
        }
        _ => return Err(StoreError::invalid("a change of an unknown kind").into()),
    }
    Ok(())
}

struct AnySession {
    no: SessionNo,
    name: Option<String>,
    is_deleted: bool,
}

/// The session of `commit`, deleted or not.
fn find_any(db: &Connection, commit: &Commit) -> Answer<Option<AnySession>> {
    let mut statement =
        db.prepare_cached("SELECT no, name, deleted IS NOT NULL FROM session WHERE id = ?1")?;
    let session = statement.query_row([session_bytes(commit.session)], |row| {
        Ok(AnySession { no: row.get(0)?, name: row.get(1)?, is_deleted: row.get(2)? })
    });
    Ok(session.optional()?)
}

fn create_session(
    db: &Connection,
    commit: &Commit,
    name: Option<&str>,
    (branch, branch_name): (BranchId, &str),
) -> Answer<()> {
    let at = commit.at;
    if let Some(session) = find_any(db, commit)? {
        let is_same = !session.is_deleted
            && session.name.as_deref() == name
            && first_branch(db, session.no)? == Some(branch);
        let what = format!("session {}", commit.session);
        return if is_same { Ok(()) } else { Err(conflict(Conflict::Exists { what })) };
    }
    check_session_name(db, commit, name)?;
    db.prepare_cached("INSERT INTO session (id, name, created, touched) VALUES (?1, ?2, ?3, ?3)")?
        .execute((session_bytes(commit.session), name, at.as_micros()))?;
    let session = SessionNo::from(db.last_insert_rowid());
    let new = NewBranch { id: branch, name: branch_name, forked_from: None, head: None };
    let default = create_branch(db, session, &new, at)?;
    set_default(db, session, default)
}

/// The first branch that was made in a session.
fn first_branch(db: &Connection, session: SessionNo) -> Answer<Option<BranchId>> {
    let mut statement =
        db.prepare_cached("SELECT id FROM branch WHERE session = ?1 ORDER BY no LIMIT 1")?;
    Ok(statement.query_row([session], |row| row.get(0).map(branch_id)).optional()?)
}

fn set_default(db: &Connection, session: SessionNo, branch: BranchNo) -> Answer<()> {
    db.prepare_cached("UPDATE session SET default_branch = ?2 WHERE no = ?1")?
        .execute((session, branch))?;
    Ok(())
}

fn set_defaults(db: &Connection, session: SessionNo, defaults: &Defaults) -> Answer<()> {
    let unfit = |error: CodecError| StoreError::invalid(format!("the defaults: {error}"));
    let json = codec::encode_defaults(defaults).map_err(unfit)?;
    let json = String::from_utf8(json).map_err(|_bytes| StoreError::invalid("no text"))?;
    db.prepare_cached("UPDATE session SET defaults = ?2 WHERE no = ?1")?
        .execute((session, (!defaults.is_empty()).then_some(json)))?;
    Ok(())
}

struct NewBranch<'a> {
    id: BranchId,
    name: &'a str,
    forked_from: Option<BranchId>,
    head: Option<OpId>,
}

/// Makes the branch, unless it is there.
fn create_branch(
    db: &Connection,
    session: SessionNo,
    new: &NewBranch<'_>,
    at: Timestamp,
) -> Answer<BranchNo> {
    if let Some(existing) = find_same(db, session, new)? {
        return Ok(existing);
    }
    check_branch_name(db, session, new.id, new.name)?;
    let head = match new.head {
        None => None,
        Some(op) => {
            let missing = || Failure::from(StoreError::no_op(op));
            Some(find_op(db, session, op)?.ok_or_else(missing)?)
        }
    };
    let forked_from = new.forked_from.map(branch_bytes);
    db.prepare_cached(
        "INSERT INTO branch (id, session, name, created, forked_from, at, revision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
    )?
    .execute((
        branch_bytes(new.id),
        session,
        new.name,
        at.as_micros(),
        forked_from,
        head.unwrap_or(OpKey::NONE),
    ))?;
    let branch = BranchNo::from(db.last_insert_rowid());
    insert_move(db, branch.reflog(1), Cause::Create, (None, head), at)?;
    Ok(branch)
}

/// The branch when it was made before.
fn find_same(db: &Connection, session: SessionNo, new: &NewBranch<'_>) -> Answer<Option<BranchNo>> {
    let mut statement =
        db.prepare_cached("SELECT no, session, name, deleted IS NULL FROM branch WHERE id = ?1")?;
    let found = statement.query_row([branch_bytes(new.id)], |row| {
        let is_same = row.get::<_, bool>(3)?
            && row.get::<_, SessionNo>(1)? == session
            && row.get_ref(2)?.as_str()? == new.name;
        Ok((row.get(0)?, is_same))
    });
    match found.optional()? {
        None => Ok(None),
        Some((branch, true)) => Ok(Some(branch)),
        Some((_, false)) => Err(conflict(Conflict::Exists { what: format!("branch {}", new.id) })),
    }
}

fn delete_branch(
    db: &Connection,
    commit: &Commit,
    session: SessionNo,
    (id, heir): (BranchId, Option<BranchId>),
) -> Answer<()> {
    if is_deleted(db, session, id)? {
        return Ok(());
    }
    let branch = branch::find_own(db, session, id)?;
    heir.map_or(Ok(()), |heir| branch::check_own(db, session, heir))?;
    if heir == Some(id) {
        return Err(StoreError::invalid("a branch cannot have its own mail").into());
    }
    let mut statement = db.prepare_cached("SELECT default_branch FROM session WHERE no = ?1")?;
    if statement.query_row([session], |row| row.get::<_, BranchNo>(0))? == branch.no {
        return Err(conflict(Conflict::DefaultBranch { branch: id }));
    }
    bequeath(db, (id, &branch.name), heir, commit.at)?;
    keep_time(db, session, branch)?;
    db.prepare_cached("UPDATE branch SET deleted = ?2 WHERE id = ?1")?
        .execute((branch_bytes(id), commit.at.as_micros()))?;
    Ok(())
}

fn is_deleted(db: &Connection, session: SessionNo, id: BranchId) -> Answer<bool> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM branch WHERE id = ?1 AND session = ?2 AND deleted IS NOT NULL",
    )?;
    Ok(statement.exists((branch_bytes(id), session))?)
}

/// Notes when a branch was last used: nobody will see it any more.
fn keep_time(db: &Connection, session: SessionNo, branch: BranchRow) -> Answer<()> {
    match session::updated(db, &[branch])? {
        Some(updated) => touch(db, session, updated),
        None => Ok(()),
    }
}

fn check_session_name(db: &Connection, commit: &Commit, name: Option<&str>) -> Answer<()> {
    let Some(name) = name else { return Ok(()) };
    let mut statement = db
        .prepare_cached("SELECT 1 FROM session WHERE name = ?1 AND deleted IS NULL AND id <> ?2")?;
    let is_taken = statement.exists((name, session_bytes(commit.session)))?;
    let name = name.to_owned();
    if is_taken { Err(conflict(Conflict::SessionNameTaken { name })) } else { Ok(()) }
}

fn check_branch_name(db: &Connection, session: SessionNo, id: BranchId, name: &str) -> Answer<()> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM branch
         WHERE session = ?1 AND name = ?2 AND deleted IS NULL AND id <> ?3",
    )?;
    let is_taken = statement.exists((session, name, branch_bytes(id)))?;
    let name = name.to_owned();
    if is_taken { Err(conflict(Conflict::BranchNameTaken { name })) } else { Ok(()) }
}

fn conflict(conflict: Conflict) -> Failure {
    StoreError::from(conflict).into()
}
