//! The SQLite store keeps the contract.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use branchwork_core::store::Store;
use branchwork_store_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

fn open_with(options: &SqliteOptions) -> Ready<(Arc<dyn Store>, TempDir)> {
    let directory = TempDir::new().expect("there is a place for temporary files");
    let path = directory.path().join("chats.db");
    let store = SqliteStore::open_with(path, options).expect("the store opens");
    ready((Arc::new(store), directory))
}

fn open() -> Ready<(Arc<dyn Store>, TempDir)> {
    open_with(&SqliteOptions::new())
}

branchwork_testkit::store_conformance!(open);

#[test]
fn it_answers_like_the_memory_store() {
    branchwork_testkit::differential::behaves_like_memory(async || open().await);
}

/// The same, when every search goes by the index.
mod indexed {
    use super::*;

    fn open() -> Ready<(Arc<dyn Store>, TempDir)> {
        open_with(&SqliteOptions::new().with_scanned_max(0))
    }

    branchwork_testkit::store_conformance! { open;
        a_search_finds_whatever_the_case_newest_first,
        a_search_finds_what_json_escapes_and_what_is_kept_apart,
        a_search_stays_in_its_session_and_under_its_limit,
        a_deleted_session_is_not_found_by_anything,
    }

    #[test]
    fn it_answers_like_the_memory_store() {
        branchwork_testkit::differential::behaves_like_memory(async || open().await);
    }
}
