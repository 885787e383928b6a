//! Files that nobody but their owner can read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use branchwork::providers::Secret;

use crate::{
    exit::{Code, Failure},
    paths,
};

/// Bytes of a file of keys: room for hundreds of them.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// What the mode of a private file must not have: anything for the group and for others.
const OTHERS: u32 = 0o077;

/// What a private file is made with.
const OWNER: u32 = 0o600;

/// The text of a file; `None` when there is no such file.
///
/// Who may read it is asked of the open file, so that another one cannot take its place in between.
pub(super) fn read(path: &Path) -> Result<Option<Secret>, Failure> {
    let unreadable = |error: io::Error| {
        Failure::new(Code::Failure, format!("{} cannot be read: {error}", path.display()))
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
        // A pipe would be waited for.
        Ok(found) if !found.is_file() => {
            return Err(Failure::usage(format!("{} is no file", path.display())));
        }
        Ok(_) => {}
    }
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(exposed(path, mode));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("{} holds more than {FILE_BYTES_MAX} bytes", path.display());
        return Err(Failure::new(Code::Limit, message));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(_shows_it) => Err(Failure::usage(format!("{} is not UTF-8 text", path.display()))),
    }
}

fn exposed(path: &Path, mode: u32) -> Failure {
    let (path, mode) = (path.display(), mode & 0o777);
    Failure::usage(format!("{path} is not private: others may use it, its mode is {mode:o}"))
        .with_hint(format!("`chmod 600 {path}`; get a new key if somebody may have read it"))
}

/// Lets one process at a time change `path`, until what is returned is dropped.
pub(super) fn lock(path: &Path) -> Result<File, Failure> {
    paths::make_folder_of(path).map_err(|error| cannot_write(path, &error))?;
    let lock = path.with_extension("toml.lock");
    let open = OpenOptions::new().create(true).append(true).mode(OWNER).open(&lock);
    let locked = open.and_then(|file| file.lock().map(|()| file));
    locked.map_err(|error| cannot_write(&lock, &error))
}

/// Replaces a file, as a whole or not at all. At no time can another one than the owner read it.
///
/// The caller holds the [`lock`]. A link stays one: what it leads to is replaced.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let target = fs::canonicalize(path).unwrap_or_else(|_not_there| path.to_owned());
    let new = target.with_extension("toml.new");
    let written = write_new(&new, text).and_then(|()| {
        fs::rename(&new, &target)?;
        // The new name is durable, too.
        target.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    });
    written.map_err(|error| {
        drop(fs::remove_file(&new));
        cannot_write(&target, &error)
    })
}

fn write_new(new: &Path, text: &str) -> io::Result<()> {
    // A run that was killed may have left one, and who may read that one is not known.
    match fs::remove_file(new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER).open(new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::Failure, format!("{} cannot be written: {error}", path.display()))
}
