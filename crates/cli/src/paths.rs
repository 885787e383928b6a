//! Where files are: the XDG folders, on every Unix.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use crate::{
    env,
    exit::{Code, Failure},
};

/// The name of our folder in the XDG folders.
const FOLDER: &str = "branchwork";

/// The configuration file.
pub(crate) fn config_file() -> Result<PathBuf, Failure> {
    let folder = folder("BRANCHWORK_CONFIG_DIR", "XDG_CONFIG_HOME", ".config")?;
    Ok(folder.join("config.toml"))
}

/// A file that the configuration file names: from its folder, or from home when it begins with `~/`.
pub(crate) fn from_config(path: &Path) -> Result<PathBuf, Failure> {
    if let Ok(rest) = path.strip_prefix("~") {
        let home = env::path("HOME").ok_or_else(|| no_home("HOME"))?;
        return Ok(home.join(rest));
    }
    Ok(config_file()?.with_file_name("").join(path))
}

/// The file of sessions, when it is not named.
pub(crate) fn db_file() -> Result<PathBuf, Failure> {
    let folder = folder("BRANCHWORK_DATA_DIR", "XDG_DATA_HOME", ".local/share")?;
    Ok(folder.join("branchwork.db"))
}

/// The history of the line editor.
pub(crate) fn history_file() -> Result<PathBuf, Failure> {
    let folder = folder("BRANCHWORK_STATE_DIR", "XDG_STATE_HOME", ".local/state")?;
    Ok(folder.join("history"))
}

/// The folder that `own` names; else ours in the one that `xdg` names; else ours in `home`'s.
fn folder(own: &str, xdg: &str, home: &str) -> Result<PathBuf, Failure> {
    if let Some(folder) = env::path(own) {
        return Ok(folder);
    }
    // The specification says that a path that is not absolute is to be ignored.
    if let Some(folder) = env::path(xdg).filter(|folder| folder.is_absolute()) {
        return Ok(folder.join(FOLDER));
    }
    let home_folder = env::path("HOME").ok_or_else(|| no_home(&format!("HOME, or {own}")))?;
    Ok(home_folder.join(home).join(FOLDER))
}

fn no_home(set: &str) -> Failure {
    Failure::new(Code::Failure, "there is no home folder").with_hint(format!("set {set}"))
}

/// Makes the folder of `file`, for its owner alone.
pub(crate) fn make_folder_of(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.exists() => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
        }
        _ => Ok(()),
    }
}
