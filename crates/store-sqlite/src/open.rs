//! Opening a file as a store.

use std::{fs::OpenOptions, io, path::Path};

use branchwork_core::store::StoreError;
use rusqlite::Connection;

use crate::{
    connection::{self, Place, open_writer},
    probe::{Found, cannot_open, has_wal, look_at, refuse},
    schema,
};

/// Ops that are looked at rather than indexed: in less time than one transaction takes.
const SCANNED_MAX: u32 = 256;

/// How a file is opened as a store.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SqliteOptions {
    must_exist: bool,
    read_only: bool,
    pages_max: Option<u32>,
    scanned_max: Option<u32>,
}

/// A file that was opened.
pub(crate) struct Opened {
    pub(crate) place: Place,
    /// `None` when it can be read only.
    pub(crate) writer: Option<Connection>,
}

impl SqliteOptions {
    /// The file is made when it is not there, and written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses to make a file.
    #[must_use]
    pub const fn with_must_exist(mut self) -> Self {
        self.must_exist = true;
        self
    }

    /// Reads only: commits are refused with [`StoreError::ReadOnly`]. The file must exist.
    #[must_use]
    pub const fn with_read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// A quota: the file does not grow beyond `pages` of 4 KiB by what this store writes.
    ///
    /// Reaching it is [`StoreError::Full`]. It is not kept in the file; one below what the file
    /// has is what it has.
    #[must_use]
    pub const fn with_max_pages(mut self, pages: u32) -> Self {
        self.pages_max = Some(pages);
        self
    }

    /// How many ops that are not in the index of searches a search looks at, before it takes them
    /// into the index first; 256 when not said. With 0 every search brings the index up to date.
    #[must_use]
    pub const fn with_scanned_max(mut self, ops: u32) -> Self {
        self.scanned_max = Some(ops);
        self
    }

    pub(crate) fn scanned_max(&self) -> u32 {
        self.scanned_max.unwrap_or(SCANNED_MAX)
    }

    pub(crate) const fn pages_max(&self) -> Option<u32> {
        self.pages_max
    }

    /// Opens `path`. What is not a store of ours stays as it is, byte for byte.
    pub(crate) fn open(&self, path: &Path) -> Result<Opened, StoreError> {
        connection::check_version()?;
        match look_at(path)? {
            Found::Nothing if self.read_only || self.must_exist => {
                return Err(refuse(path, "does not exist"));
            }
            Found::Empty if self.read_only || self.must_exist => {
                return Err(refuse(path, "is empty"));
            }
            Found::Nothing => create(path)?,
            Found::Empty => {}
            Found::Store(version) => schema::check_version(version, schema::newest_version())?,
        }
        if self.read_only { open_to_read(path) } else { self.open_to_write(path) }
    }

    fn open_to_write(&self, path: &Path) -> Result<Opened, StoreError> {
        let writer = open_writer(path, self)
            .map_err(|error| cannot_open(path, "cannot be opened for writing", error))?;
        let Some(mut writer) = writer else { return open_to_read(path) };
        schema::migrate(&mut writer, path, schema::MIGRATIONS)?;
        let place = Place { path: path.to_owned(), immutable: false };
        Ok(Opened { place, writer: Some(writer) })
    }
}

fn open_to_read(path: &Path) -> Result<Opened, StoreError> {
    let mut place = Place { path: path.to_owned(), immutable: false };
    let version = |place: &Place| place.open_reader().and_then(|db| schema::user_version(&db));
    let mut found = version(&place);
    if found.is_err() && !has_wal(path) {
        // Nothing can be put beside it, so nobody writes it.
        place.immutable = true;
        found = version(&place);
    }
    match found.map_err(|error| cannot_open(path, "cannot be read", error))? {
        version if version < schema::newest_version() => {
            Err(refuse(path, "has an old schema and cannot be written"))
        }
        version => {
            schema::check_version(version, schema::newest_version())?;
            Ok(Opened { place, writer: None })
        }
    }
}

/// Makes the file when it is not there. Fine when another process was faster.
fn create(path: &Path) -> Result<(), StoreError> {
    match create_private(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(|error| cannot_open(path, "cannot be made", error)),
    }
}

/// Makes an empty file that only its owner may read.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
