//! Copying a file while it is used.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use branchwork_core::store::StoreError;
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use crate::{
    connection::open_immutable,
    error::Answer,
    open::create_private,
    probe::{cannot_open, refuse},
    verify::verify,
};

/// How often a step is tried that finds the file locked. Each try waits as long as a connection
/// waits for a lock.
const STEPS_MAX: u32 = 10;

/// Copies the store into a new file at `to`, which appears when it is whole and was verified.
pub(crate) fn backup(db: &Connection, to: &Path) -> Answer<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(refuse(to, "exists already").into());
    }
    let partial = partial_path(to);
    let result = copy(db, &partial)
        .and_then(|()| check_copy(&partial))
        .and_then(|()| Ok(publish(&partial, to).map_err(|error| failed(to, error))?));
    // It is gone already, or it is of no use.
    drop(fs::remove_file(&partial));
    result
}

/// Copies the store into a new file at `to` and syncs it.
pub(crate) fn copy(db: &Connection, to: &Path) -> Answer<()> {
    create_private(to).map_err(|error| failed(to, error))?;
    let mut target = Connection::open(to)?;
    let backup = Backup::new(db, &mut target)?;
    let mut steps = 0;
    while backup.step(-1)? != StepResult::Done {
        steps += 1;
        if steps == STEPS_MAX {
            let problem = "it is locked for too long to be copied".to_owned();
            return Err(StoreError::Unavailable { problem, source: None }.into());
        }
    }
    drop(backup);
    target.close().map_err(|(_, error)| error)?;
    let synced = File::open(to).and_then(|file| file.sync_all());
    Ok(synced.map_err(|error| failed(to, error))?)
}

fn check_copy(path: &Path) -> Answer<()> {
    let report = verify(&open_immutable(path)?)?;
    match report.problems.into_iter().next() {
        None => Ok(()),
        Some(problem) => Err(StoreError::corrupt(format!("the copy: {problem}")).into()),
    }
}

/// Gives the whole copy its name, unless something has that name by now.
fn publish(partial: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(partial, to)?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new("."))).and_then(|directory| directory.sync_all())
}

/// Where the copy is until it is whole: beside its place, so that it can be given its name.
fn partial_path(to: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(format!(".partial-{}", std::process::id()));
    to.with_file_name(name)
}

fn failed(path: &Path, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => refuse(path, "exists already"),
        io::ErrorKind::StorageFull => StoreError::Full { source: Some(Box::new(error)) },
        _ => cannot_open(path, "cannot be written", error),
    }
}
