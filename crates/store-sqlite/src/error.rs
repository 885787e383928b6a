//! Failures inside the store, and what a caller is told of them.

use std::sync::Arc;

use branchwork_core::store::StoreError;
use rusqlite::{ErrorCode, types::FromSqlError};

/// Why work on a connection failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The work was refused, or found damage. The connection is fine.
    Refused(StoreError),
    /// The database failed. What was written in this transaction is lost.
    Database(rusqlite::Error),
}

/// What work on a connection gives.
pub(crate) type Answer<T> = Result<T, Failure>;

impl Failure {
    /// What the caller is told.
    pub(crate) fn into_error(self) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Database(error) => store_error(Arc::new(error)),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<FromSqlError> for Failure {
    fn from(error: FromSqlError) -> Self {
        let problem = "a column has another type than it must have".to_owned();
        Self::Refused(StoreError::Corrupt { problem, source: Some(Box::new(error)) })
    }
}

/// Sorts a failure of the database by what a caller can do about it.
///
/// Takes a shared one: when a transaction fails, each commit in it is told.
pub(crate) fn store_error(error: Arc<rusqlite::Error>) -> StoreError {
    let problem = problem_of(&error);
    let code = error.sqlite_error_code();
    let is_damage = matches!(
        *error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    );
    let source = Some(error.into());
    match code {
        Some(ErrorCode::DiskFull) => StoreError::Full { source },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { source },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt { problem, source }
        }
        _ if is_damage => StoreError::Corrupt { problem, source },
        _ => StoreError::Unavailable { problem, source },
    }
}

fn problem_of(error: &rusqlite::Error) -> String {
    let problem = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another process is using it",
        Some(ErrorCode::SystemIoFailure) => "the file system failed",
        Some(ErrorCode::CannotOpen) => "its file cannot be opened",
        Some(ErrorCode::DatabaseCorrupt) => "the file is malformed",
        Some(ErrorCode::NotADatabase) => "the file is not a database",
        Some(ErrorCode::OutOfMemory) => "there is not enough memory",
        Some(ErrorCode::ConstraintViolation) => "a constraint of the schema was broken",
        Some(_) => "the database failed",
        None => "a row is not what it must be",
    };
    problem.to_owned()
}
