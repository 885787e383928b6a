//! Why a store call failed, named by what the caller can do about it.

use std::error::Error as StdError;

use crate::{
    id::{BranchId, MailId, OpId, SessionId},
    mail::MailPlace,
};

type Source = Box<dyn StdError + Send + Sync>;

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What was asked for does not exist, or was deleted: fix the input.
    #[error("{what} does not exist")]
    NotFound {
        /// What was asked for, with its identifier.
        what: String,
    },
    /// What the writer saw no longer holds: reload, decide again, commit again.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The commit breaks the contract of the store: a defect of the caller.
    #[error("the commit is not valid: {problem}")]
    InvalidCommit {
        /// What is wrong with it.
        problem: String,
    },
    /// What is stored breaks an invariant: stop, and tell a person.
    #[error("the stored data is damaged: {problem}")]
    Corrupt {
        /// What was found.
        problem: String,
        /// The decoding failure, when there was one.
        #[source]
        source: Option<Source>,
    },
    /// The place of the store cannot be used as one: fix the path or the rights.
    #[error("the store cannot be opened: {problem}")]
    CannotOpen {
        /// What is wrong with it.
        problem: String,
        /// The driver's failure, when there was one.
        #[source]
        source: Option<Source>,
    },
    /// The store was written by a newer version: upgrade the program. Nothing was touched.
    #[error("the store has version {found}, this program knows up to {known}")]
    TooNew {
        /// The version of the store.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// The disk is full: make room and try again. Nothing was written.
    #[error("the disk is full")]
    Full {
        /// The driver's failure.
        #[source]
        source: Option<Source>,
    },
    /// The store can be read but not written.
    #[error("the store is read-only")]
    ReadOnly {
        /// The driver's failure.
        #[source]
        source: Option<Source>,
    },
    /// The store cannot be reached now, or was closed: try again.
    #[error("the store is unavailable: {problem}")]
    Unavailable {
        /// What happened.
        problem: String,
        /// The driver's failure, when there was one.
        #[source]
        source: Option<Source>,
    },
}

/// What another writer did first, or what already exists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// Another writer moved the head.
    #[error("branch {branch} is no longer where it was read")]
    HeadMoved {
        /// The branch.
        branch: BranchId,
        /// Where it is now.
        actual: Option<OpId>,
    },
    /// Another writer moved the mail.
    #[error("mail {mail} for branch {recipient} is {}", place(*actual))]
    MailMoved {
        /// The mail.
        mail: MailId,
        /// Who it was for.
        recipient: BranchId,
        /// Where it is now; `None` when nothing of it is for that branch.
        actual: Option<MailPlace>,
    },
    /// The name is taken by another session.
    #[error("there is already a session named `{name}`")]
    SessionNameTaken {
        /// The name.
        name: String,
    },
    /// The name is taken by another branch of the session.
    #[error("there is already a branch named `{name}`")]
    BranchNameTaken {
        /// The name.
        name: String,
    },
    /// A session or branch with this identifier exists, and is not the same.
    #[error("{what} already exists")]
    Exists {
        /// What exists.
        what: String,
    },
    /// The default branch of a session cannot be deleted: make another one the default first.
    #[error("branch {branch} is the default branch of its session")]
    DefaultBranch {
        /// The branch.
        branch: BranchId,
    },
}

impl StoreError {
    /// Whether the same call may succeed later with no change by the caller.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// A mail that is elsewhere.
    pub fn mail_moved(mail: MailId, recipient: BranchId, actual: Option<MailPlace>) -> Self {
        Self::Conflict(Conflict::MailMoved { mail, recipient, actual })
    }

    /// A session that is not there.
    pub fn no_session(id: SessionId) -> Self {
        Self::NotFound { what: format!("session {id}") }
    }

    /// A branch that is not there.
    pub fn no_branch(id: BranchId) -> Self {
        Self::NotFound { what: format!("branch {id}") }
    }

    /// An op that is not there.
    pub fn no_op(id: OpId) -> Self {
        Self::NotFound { what: format!("op {id}") }
    }

    /// Damage without a decoding failure behind it.
    pub fn corrupt(problem: impl Into<String>) -> Self {
        Self::Corrupt { problem: problem.into(), source: None }
    }

    /// A commit that breaks the contract.
    pub fn invalid(problem: impl Into<String>) -> Self {
        Self::InvalidCommit { problem: problem.into() }
    }
}

fn place(actual: Option<MailPlace>) -> &'static str {
    actual.map_or("not there", MailPlace::as_str)
}
