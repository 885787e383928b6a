//! Group commit: what waits is written in one transaction.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use branchwork_core::store::StoreError;
use rusqlite::Connection;

use super::{commit::apply, prepare::Prepared, thread::PendingCommit};
use crate::{
    error::{Answer, Failure, store_error},
    schema,
};

/// What came of each commit of a transaction that was committed.
type Verdicts = Vec<Result<(), StoreError>>;

/// Writes all of `batch`, counts the transaction, and answers each.
///
/// A commit that is refused does not keep the others from being written. When the database fails,
/// nothing of any is written, and each is told.
pub(super) fn write(db: &Connection, batch: Vec<PendingCommit>, transactions: &AtomicU64) {
    if batch.is_empty() {
        return;
    }
    let (commits, replies): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|pending| (pending.prepared, pending.reply)).unzip();
    match transact(db, &commits) {
        Ok(verdicts) => {
            transactions.fetch_add(1, Ordering::Relaxed);
            for (reply, verdict) in replies.into_iter().zip(verdicts) {
                drop(reply.send(verdict));
            }
        }
        Err(failure) => {
            roll_back(db);
            let failure = Shared::from(failure);
            for reply in replies {
                drop(reply.send(Err(failure.error())));
            }
        }
    }
}

/// A failure that several are told.
enum Shared {
    TooNew { found: u32, known: u32 },
    Database(Arc<rusqlite::Error>),
    Other(String),
}

impl From<Failure> for Shared {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => Self::Database(Arc::new(error)),
            Failure::Refused(StoreError::TooNew { found, known }) => Self::TooNew { found, known },
            Failure::Refused(error) => Self::Other(error.to_string()),
        }
    }
}

impl Shared {
    fn error(&self) -> StoreError {
        match self {
            Self::Database(error) => store_error(Arc::clone(error)),
            Self::TooNew { found, known } => StoreError::TooNew { found: *found, known: *known },
            Self::Other(problem) => {
                StoreError::Unavailable { problem: problem.clone(), source: None }
            }
        }
    }
}

fn transact(db: &Connection, commits: &[Box<Prepared>]) -> Answer<Verdicts> {
    db.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
    // A newer program may have changed the schema since the file was opened.
    schema::check_version(schema::user_version(db)?, schema::newest_version())?;
    let mut verdicts = Vec::with_capacity(commits.len());
    for commit in commits {
        verdicts.push(match apply(db, commit) {
            Ok(()) => Ok(()),
            Err(Failure::Refused(error)) => Err(error),
            Err(failure @ Failure::Database(_)) => return Err(failure),
        });
    }
    db.prepare_cached("COMMIT")?.execute(())?;
    Ok(verdicts)
}

/// Ends what is left of a transaction that failed. SQLite may have ended it already.
fn roll_back(db: &Connection) {
    if !db.is_autocommit() {
        drop(db.execute_batch("ROLLBACK"));
    }
}
