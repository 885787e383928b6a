//! Why an archive cannot be written or read.

use std::io;

/// Why an archive cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It cannot be written or read.
    #[error("the archive cannot be {what}")]
    Io {
        /// `written` or `read`.
        what: &'static str,
        /// The failure.
        #[source]
        source: io::Error,
    },
    /// A line is damaged.
    #[error("line {number} {problem}")]
    Line {
        /// Its number, from 1.
        number: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// It is no archive, or one of a newer program.
    #[error("it {problem}")]
    Unknown {
        /// What is wrong with it.
        problem: String,
    },
}

impl ArchiveError {
    pub(super) const fn writing(source: io::Error) -> Self {
        Self::Io { what: "written", source }
    }

    pub(super) const fn reading(source: io::Error) -> Self {
        Self::Io { what: "read", source }
    }
}
