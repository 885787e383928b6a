//! Programs out of packages of Node, from the npm registry.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

use crate::{cache, output, program::run};

/// The program of that name out of `package`, a name and a version. Fetched on first use.
pub(crate) fn program(package: &str, name: &str) -> Result<PathBuf> {
    let lock = cache::lock("node")?;
    let folder = cache::folder()?.join("node").join(package.replace('/', "+"));
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let (program, done) = (folder.join("node_modules/.bin").join(name), folder.join("complete"));
    if !done.exists() || !program.exists() {
        output::note(&format!("fetching {package} from npm (once)"));
        let quiet = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
        run(Command::new("npm").args(quiet).arg(&folder).arg(package)).with_context(|| {
            format!("{package} cannot be fetched; is npm there, and its registry reachable?")
        })?;
        fs::write(&done, "").with_context(|| format!("writing {}", done.display()))?;
    }
    drop(lock);
    Ok(program)
}
