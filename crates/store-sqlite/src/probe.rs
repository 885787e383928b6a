//! What a path holds, found out without changing a byte of it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use branchwork_core::store::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::{
    connection::open_immutable,
    schema::{APPLICATION_ID, user_version},
};

/// What the first bytes of every SQLite file are.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What a path holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// No file.
    Nothing,
    /// A file with no content, or a database without tables.
    Empty,
    /// A store of this version.
    Store(u32),
}

/// Finds out what `path` holds.
///
/// # Errors
///
/// [`StoreError::CannotOpen`] when it is something that must not be touched.
pub(crate) fn look_at(path: &Path) -> Result<Found, StoreError> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        result => result.map_err(|error| cannot_open(path, "cannot be looked at", error))?,
    };
    if metadata.is_dir() {
        return Err(refuse(path, "is a directory"));
    }
    if !metadata.is_file() {
        return Err(refuse(path, "is not a regular file"));
    }
    if metadata.len() == 0 {
        return Ok(Found::Empty);
    }
    let header = read_header(path)?;
    if header.first_chunk() != Some(MAGIC) {
        return Err(refuse(path, "is not a database"));
    }
    if has_wal(path) { ask_database(path) } else { ask_header(path, &header) }
}

/// Whether a write-ahead log with content lies beside the file.
pub(crate) fn has_wal(path: &Path) -> bool {
    fs::metadata(wal_path(path)).is_ok_and(|metadata| metadata.len() > 0)
}

/// Where the write-ahead log of the file is.
pub(crate) fn wal_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push("-wal");
    PathBuf::from(name)
}

/// The file is something else than a store.
pub(crate) fn refuse(path: &Path, problem: &str) -> StoreError {
    StoreError::CannotOpen { problem: format!("{} {problem}", path.display()), source: None }
}

/// The file cannot be worked with, because of `error`.
pub(crate) fn cannot_open(
    path: &Path,
    problem: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    let problem = format!("{} {problem}", path.display());
    StoreError::CannotOpen { problem, source: Some(Box::new(error)) }
}

/// The first bytes; fewer than 100 when the file is shorter.
fn read_header(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut header = Vec::with_capacity(100);
    File::open(path)
        .and_then(|file| file.take(100).read_to_end(&mut header))
        .map_err(|error| cannot_open(path, "cannot be read", error))?;
    Ok(header)
}

/// A big-endian number of the header.
fn number_at(header: &[u8], offset: usize) -> u32 {
    let bytes = header.get(offset..).and_then(<[u8]>::first_chunk).copied();
    u32::from_be_bytes(bytes.unwrap_or_default())
}

/// Reads what a file without a write-ahead log is from its first bytes.
fn ask_header(path: &Path, header: &[u8]) -> Result<Found, StoreError> {
    // The offsets are those of the SQLite file format.
    let (version, application) = (number_at(header, 60), number_at(header, 68));
    if application == APPLICATION_ID {
        check_length(path, header)?;
        return Ok(Found::Store(version));
    }
    if application != 0 || version != 0 {
        return Err(refuse(path, "is a database of another program"));
    }
    let tables = open_immutable(path).and_then(|db| count_tables(&db));
    match tables {
        Ok(0) => Ok(Found::Empty),
        Ok(_) => Err(refuse(path, "is a database of another program")),
        Err(error) => Err(cannot_open(path, "is a damaged database", error)),
    }
}

/// Checks that the file is as long as it says.
fn check_length(path: &Path, header: &[u8]) -> Result<(), StoreError> {
    let is_current = number_at(header, 24) == number_at(header, 92);
    let page_bytes = match number_at(header, 14) & 0xffff {
        1 => 65_536,
        bytes => u64::from(bytes),
    };
    let length = page_bytes * u64::from(number_at(header, 28));
    let is_short = fs::metadata(path).is_ok_and(|metadata| metadata.len() < length);
    // While another process writes its log back, the file may be short for a moment.
    if is_current && is_short && !has_wal(path) {
        return Err(refuse(path, "is cut off: it is shorter than it must be"));
    }
    Ok(())
}

/// Lets SQLite read what a file is whose newest content may be in its write-ahead log.
fn ask_database(path: &Path) -> Result<Found, StoreError> {
    let answer = || -> rusqlite::Result<(u32, u32, u32)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        let application = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        Ok((application, user_version(&db)?, count_tables(&db)?))
    };
    match answer().map_err(|error| cannot_open(path, "is a damaged database", error))? {
        (APPLICATION_ID, version, _) => Ok(Found::Store(version)),
        (0, 0, 0) => Ok(Found::Empty),
        _ => Err(refuse(path, "is a database of another program")),
    }
}

fn count_tables(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
}
