//! The tables of several branches: one file for each, all of them or none.

use std::{collections::BTreeSet, io, path::PathBuf};

use branchwork_core::{limits::NAME_BYTES_MAX, store::BranchRecord};

use super::{Destination, Format, NewFile, TableError};
use crate::{error::Result, session::Session};

impl Session {
    /// Writes the messages of every branch whose name `wanted` says yes to, each to a file of its
    /// own: `main_messages.csv` for the branch `main` and the name `messages.csv`. What cannot be in
    /// a file's name is `-`. Answers the files, in the order of the branches.
    ///
    /// # Errors
    ///
    /// [`Error::Table`](crate::Error::Table), also when a file is there: then none was written.
    pub async fn export_tables(
        &self,
        format: Format,
        to: &Destination,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<PathBuf>> {
        let branches = self.branches().await?;
        let branches: Vec<_> = branches.iter().filter(|branch| wanted(&branch.name)).collect();
        to.make_folder().map_err(TableError::writing)?;
        let mut files = Vec::with_capacity(branches.len());
        for (branch, stem) in branches.iter().zip(stems(&branches)) {
            let path = to.path_of(&stem);
            let mut file = NewFile::create(&path).map_err(TableError::writing)?;
            format.write(self.handle(branch.id).rows().await?, &mut file)?;
            files.push((path, file));
        }
        Ok(publish(files).map_err(TableError::writing)?)
    }
}

/// Gives all files their names, or none.
fn publish(files: Vec<(PathBuf, NewFile)>) -> io::Result<Vec<PathBuf>> {
    let mut published: Vec<PathBuf> = Vec::with_capacity(files.len());
    for (path, file) in files {
        match file.publish() {
            Ok(()) => published.push(path),
            Err(error) => {
                published.iter().map(std::fs::remove_file).for_each(drop);
                return Err(error);
            }
        }
    }
    Ok(published)
}

/// What the files of branches are called: their names, as far as a file can be called so, each once.
fn stems(branches: &[&BranchRecord]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let stem = |branch: &&BranchRecord| {
        let plain = plain(&branch.name);
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let mut free = std::iter::once(plain.clone()).chain(numbered);
        // Also on file systems that do not tell upper from lower case.
        free.find(|stem| taken.insert(stem.to_lowercase())).unwrap_or(plain)
    };
    branches.iter().map(stem).collect()
}

/// `name` with `-` for what has a meaning in paths somewhere.
fn plain(name: &str) -> String {
    let harmless = |letter: char| {
        if letter.is_alphanumeric() || matches!(letter, '_' | '-' | ' ') { letter } else { '-' }
    };
    // Some room is left for the rest of the file's name.
    let mut plain: String = name.chars().map(harmless).collect();
    plain.truncate(plain.floor_char_boundary(NAME_BYTES_MAX / 2));
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_branch_leads_out_of_the_folder() {
        for (name, expected) in [
            ("main", "main"),
            ("../../etc/passwd", "------etc-passwd"),
            ("a/b\\c:d", "a-b-c-d"),
            ("größe 1", "größe 1"),
            (".hidden", "-hidden"),
        ] {
            assert_eq!(plain(name), expected);
        }
        assert_eq!(plain(&"x".repeat(NAME_BYTES_MAX)).len(), NAME_BYTES_MAX / 2);
    }
}
