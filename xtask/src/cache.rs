//! The folder where downloads and the state of servers are kept.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::output;

/// The folder, made when it is not there: `$BRANCHWORK_CACHE_DIR`, else in `$XDG_CACHE_HOME`, else
/// in `~/.cache`.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = choose(|name| env::var_os(name)).context("set HOME, or BRANCHWORK_CACHE_DIR")?;
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// The folder that the environment asks for. An empty variable is as good as none.
fn choose(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    path("BRANCHWORK_CACHE_DIR")
        .or_else(|| Some(path("XDG_CACHE_HOME")?.join("branchwork")))
        .or_else(|| Some(path("HOME")?.join(".cache/branchwork")))
}

/// Writes a file as a whole: whoever reads it meanwhile sees the old text or the new one.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, path));
    written.with_context(|| format!("writing {}", path.display()))
}

/// Waits until nobody else has the lock of that name. It ends with the value.
pub(crate) fn lock(name: &str) -> Result<File> {
    let path = folder()?.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| format!("writing {}", path.display()))?;
    if file.try_lock().is_err() {
        output::note(&format!("waiting for another xtask ({name})"));
        file.lock().with_context(|| format!("locking {}", path.display()))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_variable_comes_before_xdg_before_home() {
        let with = |set: &[(&str, &str)]| {
            let set: Vec<_> = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            choose(move |name| set.iter().find(|(k, _)| k == name).map(|(_, v)| v.into()))
        };
        let all = [("BRANCHWORK_CACHE_DIR", "/b"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(with(&all), Some("/b".into()));
        assert_eq!(with(&all[1..]), Some("/x/branchwork".into()));
        assert_eq!(with(&all[2..]), Some("/h/.cache/branchwork".into()));
        assert_eq!(with(&[("HOME", "")]), None);
    }
}
