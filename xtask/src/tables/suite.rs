//! The tests of the workspace, found by reading its sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result};

/// Where every function that is public is the test of a contract.
const CONTRACTS: &str = "crates/testkit/src/conformance/";

/// The tests of the workspace: their names, and the files they are in.
#[derive(Debug, Default)]
pub(super) struct Suite {
    files: BTreeMap<String, BTreeSet<String>>,
}

impl Suite {
    /// Those of every crate in the workspace at `root`.
    pub(super) fn of(root: &Path) -> Result<Self> {
        let mut suite = Self::default();
        suite.visit(root, "crates")?;
        Ok(suite)
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The files in which there is a test of that name: none, one, or several.
    pub(super) fn files(&self, name: &str) -> impl Iterator<Item = &str> {
        self.files.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Reads what lies in `folder`, a path from `root`.
    fn visit(&mut self, root: &Path, folder: &str) -> Result<()> {
        let reading = || format!("reading {folder}");
        for entry in fs::read_dir(root.join(folder)).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().with_context(reading)?.is_dir() {
                self.visit(root, &path)?;
            } else if entry.path().extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(entry.path());
                self.read(&path, &text.with_context(|| format!("reading {path}"))?);
            }
        }
        Ok(())
    }

    /// Takes the tests of one file in.
    pub(super) fn read(&mut self, path: &str, text: &str) {
        let mut is_marked = false;
        for line in text.lines().map(str::trim_start) {
            is_marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let Some(name) = function(line) else { continue };
            if is_marked || (path.starts_with(CONTRACTS) && line.starts_with("pub ")) {
                self.files.entry(name.to_owned()).or_default().insert(path.to_owned());
            }
            is_marked = false;
        }
    }
}

/// The name of the function that begins on this line.
fn function(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_head = before.split_whitespace().all(|word| word == "async" || word.starts_with("pub"));
    let name = after.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next();
    name.filter(|name| is_head && !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let mut suite = Suite::default();
        suite.read(path, text);
        suite.names().map(str::to_owned).collect()
    }

    #[test]
    fn a_test_is_a_function_that_is_marked_as_one() {
        let text = "fn helper() {}\n\
            #[test]\nfn plain() {}\n\
            #[tokio::test(start_paused = true)]\n#[cfg(unix)]\nasync fn later() {\n    let x = 1;\n}\n\
            proptest! {\n    #[test]\n    fn random(bits: u128) {}\n}\n\
            // fn said() {}\npub async fn other() {}\n";
        assert_eq!(found("crates/core/tests/it/x.rs", text), ["later", "plain", "random"]);
    }

    #[test]
    fn what_a_contract_makes_public_is_a_test() {
        let text = "async fn helper() {}\npub async fn a_fork_shares(store: Store) {}\n";
        assert_eq!(found("crates/testkit/src/conformance/branches.rs", text), ["a_fork_shares"]);
        assert_eq!(found("crates/testkit/src/bench.rs", text), Vec::<String>::new());
    }

    #[test]
    fn a_name_in_two_files_is_in_both() {
        let mut suite = Suite::default();
        for path in ["crates/a/tests/x.rs", "crates/b/tests/x.rs"] {
            suite.read(path, "#[test]\nfn same() {}");
        }
        assert_eq!(suite.files("same").count(), 2);
        assert_eq!(suite.files("other").count(), 0);
    }
}
