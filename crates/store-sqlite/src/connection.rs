//! Connections to one file, and their settings.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use branchwork_core::store::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{open::SqliteOptions, probe::has_wal};

/// The oldest SQLite this crate runs with, as SQLite numbers its versions: 3.51.3. Older ones can
/// damage a file that two connections write.
pub const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How long a connection waits for another process to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a page: what one append writes at least.
const PAGE_BYTES: u32 = 4096;

/// Statements that a connection keeps prepared: more than this crate has.
const STATEMENTS_CACHED: usize = 96;

/// How often switching a new file to the write-ahead log is tried while others do so too, and the
/// pause between: SQLite does not wait by itself there.
const WAL_ATTEMPTS_MAX: u32 = 200;
const WAL_PAUSE: Duration = Duration::from_millis(5);

/// `fullfsync` matters on macOS only, where a plain `fsync` leaves data in the drive.
/// `journal_size_limit` is in bytes: what a log that grew beyond it is cut to.
const SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA foreign_keys = ON;
    PRAGMA journal_size_limit = 67108864;
";

/// Where a store is, and how it may be opened.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Nobody writes the file, and nothing may be put beside it.
    pub(crate) immutable: bool,
}

impl Place {
    /// A connection that cannot write.
    pub(crate) fn open_reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = if self.immutable {
            let uri = immutable_uri(&self.path);
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
        } else {
            Connection::open_with_flags(&self.path, flags)?
        };
        prepare(&db)?;
        Ok(db)
    }
}

/// The connection that writes the file at `path`, which exists; `None` when the file or its
/// directory is write-protected.
pub(crate) fn open_writer(
    path: &Path,
    options: &SqliteOptions,
) -> rusqlite::Result<Option<Connection>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    prepare(&db)?;
    if db.is_readonly("main")? {
        return Ok(None);
    }
    match set_up(&db, options) {
        Err(error) if is_write_protected(&error) && !has_wal(path) => Ok(None),
        result => result.map(|()| Some(db)),
    }
}

fn set_up(db: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    // Means something for a file that has no page yet.
    db.pragma_update(None, "page_size", PAGE_BYTES)?;
    use_wal(db)?;
    db.execute_batch(SETTINGS)?;
    if let Some(pages) = options.pages_max() {
        db.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(())
}

/// Whether SQLite could not make the files it needs beside the database.
fn is_write_protected(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

/// A connection to a file that nobody writes. Puts nothing beside it.
pub(crate) fn open_immutable(path: &Path) -> rusqlite::Result<Connection> {
    Place { path: path.to_owned(), immutable: true }.open_reader()
}

fn prepare(db: &Connection) -> rusqlite::Result<()> {
    // Else SQLite prepares statements anew when a parameter changes, to suit its value: of no use
    // with queries as plain as ours, and a third of the work of a commit.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    db.busy_timeout(BUSY_TIMEOUT)
}

/// Switches the file to the write-ahead log, if it does not use it yet.
fn use_wal(db: &Connection) -> rusqlite::Result<()> {
    let switch = || db.query_row("PRAGMA journal_mode = WAL", (), |row| row.get::<_, String>(0));
    let mut attempts = 1;
    loop {
        match switch() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && attempts < WAL_ATTEMPTS_MAX =>
            {
                attempts += 1;
                std::thread::sleep(WAL_PAUSE);
            }
            result => return result.map(drop),
        }
    }
}

/// Refuses a linked SQLite that can damage files.
pub(crate) fn check_version() -> Result<(), StoreError> {
    if rusqlite::version_number() >= SQLITE_VERSION_MIN {
        return Ok(());
    }
    let problem = format!("SQLite {} is linked, 3.51.3 is needed", rusqlite::version());
    Err(StoreError::CannotOpen { problem, source: None })
}

/// The URI by which SQLite opens `path` as a file that never changes.
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.extend(["%".to_owned(), format!("{byte:02x}")]);
        }
    }
    uri + "?immutable=1"
}
