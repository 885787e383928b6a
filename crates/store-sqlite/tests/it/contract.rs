//! The SQLite store keeps the contract.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use branchwork_core::store::Store;
use branchwork_store_sqlite::SqliteStore;
use tempfile::TempDir;

fn open() -> Ready<(Arc<dyn Store>, TempDir)> {
    let directory = TempDir::new().expect("there is a place for temporary files");
    let path = directory.path().join("chats.db");
    let store = SqliteStore::open(path).expect("the store opens");
    ready((Arc::new(store), directory))
}

branchwork_testkit::store_conformance!(open);

#[test]
fn it_answers_like_the_memory_store() {
    branchwork_testkit::differential::behaves_like_memory(async || open().await);
}
