//! Importing an archive: how, and what came of it.

use std::io::BufRead;

use branchwork_core::{
    id::SessionId,
    store::{Conflict, StoreError},
};

use super::{lines::Lines, read::Import};
use crate::{
    engine::Engine,
    error::{Error, Result},
    session::check_session_name,
};

/// How an archive is read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ImportOptions {
    pub(super) name: Option<String>,
    pub(super) skip_bad: bool,
}

impl ImportOptions {
    /// The session keeps its name, and a damaged line is an error.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the session another name than it had.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Leaves damaged lines out, and what builds on them, and reports each.
    #[must_use]
    pub const fn with_skip_bad(mut self) -> Self {
        self.skip_bad = true;
        self
    }
}

/// What an import made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The session.
    pub session: SessionId,
    /// Branches that were not there.
    pub branches: u64,
    /// Ops that were not there.
    pub ops: u64,
    /// Messages among them.
    pub messages: u64,
    /// Mails that were not there.
    pub mails: u64,
    /// Lines that were left out.
    pub skipped: Vec<Skipped>,
}

/// A line that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub problem: String,
}

impl Engine {
    /// Makes the session that an archive tells of, with the identifiers it has there.
    ///
    /// A session that is there already gets what it lacks: importing twice is importing once, and
    /// an import that was cut off goes on where it ended. Mail that is there goes on to where it is in the
    /// archive, when it came there later than to where it is.
    ///
    /// # Errors
    ///
    /// [`Error::Archive`](crate::Error::Archive) with the number of the line that is damaged:
    /// what came before it is there. [`Error::Conflict`](crate::Error::Conflict) when the name is
    /// taken, another session has its identifier, a branch went another way here than in the archive, or the
    /// session is there from an archive of [some of its branches](crate::Session::export_branches): delete it
    /// first.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves what was committed so far; importing again completes it.
    pub async fn import(
        &self,
        archive: &mut (dyn BufRead + Send),
        options: &ImportOptions,
    ) -> Result<Imported> {
        if let Some(name) = &options.name {
            check_session_name(name)?;
        }
        let mut lines = Lines::of(archive);
        let codec = lines.mark()?;
        let import = Import::begin(self.store(), &mut lines, options, codec).await?;
        let (session, existed) = (import.session, import.existed);
        match import.read(&mut lines).await {
            // Its ops lie in branches that stood for those of this archive.
            Err(Error::Store(StoreError::InvalidCommit { .. })) if existed => {
                let what = format!("session {session}, of an archive of some of its branches,");
                Err(Conflict::Exists { what }.into())
            }
            imported => imported,
        }
    }
}
