//! The memory store keeps the contract.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use branchwork_core::store::{MemoryStore, Store};

fn open() -> Ready<(Arc<dyn Store>, ())> {
    ready((Arc::new(MemoryStore::new()), ()))
}

branchwork_testkit::store_conformance!(open);

#[test]
fn it_answers_like_the_memory_store() {
    branchwork_testkit::differential::behaves_like_memory(async || open().await);
}
