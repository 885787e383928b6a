//! A directory with one file in it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use branchwork_core::store::{Store, StoreError};
use branchwork_store_sqlite::{SqliteOptions, SqliteStore};
use branchwork_testkit::bench::Bench;
use rusqlite::Connection;
use tempfile::TempDir;

/// A place for a file, which is gone with it.
#[derive(Debug)]
pub(crate) struct Place {
    directory: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let path = directory.path().join("chats.db");
        Self { directory, path }
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The names of all files, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).expect("the directory is there");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<_> = entries.map(|entry| name(entry.expect("it is read"))).collect();
        names.sort();
        names
    }

    pub(crate) fn open(&self) -> Arc<SqliteStore> {
        self.open_with(&SqliteOptions::new())
    }

    pub(crate) fn open_with(&self, options: &SqliteOptions) -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open_with(&self.path, options).expect("the store opens"))
    }

    /// A bench on a new store, and the store.
    pub(crate) fn bench(&self) -> (Bench, Arc<SqliteStore>) {
        let store = self.open();
        let shared: Arc<dyn Store> = Arc::<SqliteStore>::clone(&store);
        (Bench::new(shared), store)
    }

    /// A connection that goes around the store.
    pub(crate) fn sql(&self) -> Connection {
        Connection::open(&self.path).expect("the file opens")
    }
}

/// What `path` cannot be opened because of.
pub(crate) fn refusal(path: &Path) -> String {
    match SqliteStore::open(path) {
        Err(StoreError::CannotOpen { problem, .. }) => problem,
        other => panic!("expected that it cannot be opened, got {other:?}"),
    }
}
