//! Names for branches that nobody named.

use std::{collections::BTreeSet, ops::RangeInclusive};

use branchwork_core::store::{Commit, Conflict};

use super::Branch;
use crate::error::{Error, Result};

/// How many names are tried before giving up: more than a fan-out makes forks.
const NAMES_TRIED_MAX: usize = 100_000;

/// Names that no branch had when they were read. Another process may take one meanwhile: then the next one is
/// tried.
#[derive(Debug)]
pub(crate) struct FreeNames {
    stem: String,
    taken: BTreeSet<String>,
    numbers: RangeInclusive<usize>,
}

impl FreeNames {
    /// The next `count` ones.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when there are no more.
    pub(crate) fn next(&mut self, count: usize) -> Result<Vec<String>> {
        let Self { stem, taken, numbers } = self;
        let names = numbers.by_ref().map(|number| format!("{stem}-{number}"));
        let free: Vec<_> = names.filter(|name| !taken.contains(name)).take(count).collect();
        if free.len() < count {
            return Err(Conflict::BranchNameTaken { name: stem.clone() }.into());
        }
        Ok(free)
    }
}

/// Whether nothing was written because another branch has the name.
pub(crate) const fn is_name_taken<T>(written: &Result<T>) -> bool {
    matches!(written, Err(Error::Conflict(Conflict::BranchNameTaken { .. })))
}

impl Branch {
    /// Names for new branches beside this one: its own, with numbers.
    pub(crate) async fn free_names(&self) -> Result<FreeNames> {
        let stem = self.record().await?.name;
        let branches = self.engine.store().branches(self.session).await?;
        let taken = branches.into_iter().map(|branch| branch.name).collect();
        Ok(FreeNames { stem, taken, numbers: 2..=NAMES_TRIED_MAX })
    }

    /// Commits what `make` makes of the first free name after this branch's, and answers that name.
    pub(crate) async fn commit_with_free_name(
        &self,
        make: impl Fn(String) -> Result<Commit> + Send + Sync,
    ) -> Result<String> {
        // There is one name in them.
        let names = self.commit_with_free_names(1, |names| make(names.concat())).await?;
        Ok(names.concat())
    }

    /// Commits what `make` makes of the first `count` free names after this branch's, and answers those names.
    pub(crate) async fn commit_with_free_names(
        &self,
        count: usize,
        make: impl Fn(&[String]) -> Result<Commit> + Send,
    ) -> Result<Vec<String>> {
        let mut names = self.free_names().await?;
        loop {
            let names = names.next(count)?;
            let commit = make(&names)?;
            let written = self.engine.store().commit(commit).await.map_err(Error::from);
            if !is_name_taken(&written) {
                return written.map(|()| names);
            }
        }
    }
}
