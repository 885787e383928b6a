//! Reading a table into a branch.

use std::io::BufRead;

use branchwork_core::message::{Body, Draft};

use super::{
    content::OpenCalls,
    format::{Format, TableError},
};
use crate::{archive::Skipped, branch::Branch, error::Result, table::Row};

/// Ops that are appended in one commit, but for the last group.
const BATCH: usize = 2_000;

/// How a table is read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TableOptions {
    skip_bad: bool,
}

impl TableOptions {
    /// A damaged row is an error.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves damaged rows out, and reports each.
    #[must_use]
    pub const fn with_skip_bad(mut self) -> Self {
        self.skip_bad = true;
        self
    }
}

/// What an import of a table appended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TableImported {
    /// Messages.
    pub messages: u64,
    /// Rows that were left out.
    pub skipped: Vec<Skipped>,
}

impl Branch {
    /// The messages of this branch as rows, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn rows(&self) -> Result<Vec<Row>> {
        Ok(Row::all(self.view().await?.messages().map(AsRef::as_ref)))
    }

    /// Appends the messages of a table, in commits of many. Each gets an identifier of its own; what
    /// it was known by is kept in its metadata, and is told again by [`rows`](Self::rows).
    ///
    /// Calls whose results are missing are closed as `cancelled`.
    ///
    /// # Errors
    ///
    /// [`Error::Table`](crate::Error::Table) with the number of the row that is damaged: what came
    /// before its commit is there. Else as for [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the commits that were made.
    pub async fn import_table(
        &self,
        format: Format,
        table: &mut (dyn BufRead + Send),
        options: &TableOptions,
    ) -> Result<TableImported> {
        let (drafts, skipped) = read(format, table, options)?;
        let messages = drafts.len() as u64;
        let (mut batch, mut ops) = (Vec::with_capacity(BATCH.min(drafts.len())), 0);
        for draft in drafts {
            // A call and its results are one group: they are appended together.
            let begins = !matches!(draft.body, Body::ActionResponse { .. });
            if ops >= BATCH && begins {
                self.append_all(std::mem::take(&mut batch)).await?;
                ops = 0;
            }
            // Calls that nobody answered get a result each.
            ops += match &draft.body {
                Body::ActionRequest { calls, .. } => 1 + calls.len(),
                _ => 1,
            };
            batch.push(draft);
        }
        if !batch.is_empty() {
            self.append_all(batch).await?;
        }
        Ok(TableImported { messages, skipped })
    }
}

/// The drafts of a table, and the rows that were left out.
fn read(
    format: Format,
    mut table: &mut (dyn BufRead + Send),
    options: &TableOptions,
) -> Result<(Vec<Draft>, Vec<Skipped>)> {
    let (mut drafts, mut skipped) = (Vec::new(), Vec::new());
    let mut open = OpenCalls::new();
    for (row, number) in format.read(&mut table)?.zip(1..) {
        match row?.and_then(|row| row.read(&mut open)) {
            Ok(draft) => drafts.push(draft),
            Err(problem) if options.skip_bad => skipped.push(Skipped { line: number, problem }),
            Err(problem) => return Err(TableError::Row { number, problem }.into()),
        }
    }
    Ok((drafts, skipped))
}
