//! The composition root: the one place of the engine that names a concrete store.

use std::sync::Arc;

use branchwork_core::store::MemoryStore;

use crate::engine::Engine;
#[cfg(feature = "sqlite")]
use crate::error::Result;

impl Engine {
    /// An engine that keeps nothing beyond the process.
    pub fn in_memory() -> Self {
        Self::builder().store(Arc::new(MemoryStore::new())).build()
    }

    /// Opens the `SQLite` file at `path`, or makes it.
    ///
    /// # Errors
    ///
    /// [`StoreError::CannotOpen`](branchwork_core::store::StoreError::CannotOpen) when it is not a
    /// store and cannot be made one,
    /// [`StoreError::TooNew`](branchwork_core::store::StoreError::TooNew) when a newer version
    /// wrote it. Neither touches the file.
    #[cfg(feature = "sqlite")]
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let store = branchwork_store_sqlite::SqliteStore::open(path.as_ref())?;
        Ok(Self::builder().store(Arc::new(store)).build())
    }
}
