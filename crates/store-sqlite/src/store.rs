//! The store: the contract, handed on to the threads that write and read.

use std::{ops::Range, path::Path};

use async_trait::async_trait;
use branchwork_core::{
    call::CallRecord,
    graph::{Lineage, Op},
    id::{BranchId, MessageId, OpId, SessionId, StretchId},
    mail::{Delivery, MailQuery},
    store::{
        BranchRecord, Commit, GcReport, Hit, ReflogEntry, Search, SessionRecord, Store, StoreError,
        StoreStats, VerifyReport,
    },
};

use crate::{
    backup, gc,
    open::SqliteOptions,
    query::{calls, lineage, mail, ops, reflog, session, stats},
    reader::Readers,
    search, verify,
    writer::{Writer, prepare},
};

/// Transactions that one search may wait for while the index grows: each takes about 1 000 messages
/// into it. The next search goes on.
const INDEX_BATCHES_MAX: usize = 16;

/// Keeps sessions in one SQLite file.
///
/// Several processes may open the same file. A commit is durable when it returned: it was synced
/// to the disk, together with the commits that waited at the same time.
///
/// Dropping the store lets what was begun end in the background; [`close`](Store::close) waits for
/// it.
#[derive(Debug)]
pub struct SqliteStore {
    readers: Readers,
    /// `None` when the file can be read only.
    writer: Option<Writer>,
    scanned_max: u32,
}

impl SqliteStore {
    /// Opens the file at `path`, which is made when it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::CannotOpen`] when the path is no store, and no place for one;
    /// [`StoreError::TooNew`] when a newer program wrote it. Neither changes the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, &SqliteOptions::new())
    }

    /// Opens the file at `path` in the way that `options` say.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<Self, StoreError> {
        let opened = options.open(path.as_ref())?;
        let writer = opened.writer.map(Writer::start).transpose()?;
        let scanned_max = options.scanned_max();
        Ok(Self { readers: Readers::new(opened.place), writer, scanned_max })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.readers.place().path
    }

    /// How many transactions this store has written: fewer than commits, as those that wait at the
    /// same time share one.
    pub fn transactions(&self) -> u64 {
        self.writer.as_ref().map_or(0, Writer::transactions)
    }

    /// Copies the store as it is now into a new file at `to`, and verifies the copy.
    ///
    /// Others may write meanwhile; the copy has all or nothing of each commit.
    ///
    /// # Errors
    ///
    /// [`StoreError::CannotOpen`] when there is something at `to`, or nothing can be put there;
    /// [`StoreError::Corrupt`] when the copy has a problem, which the store then has too.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the whole copy or none.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_owned();
        self.readers.read(move |db| backup::backup(db, &to)).await
    }

    /// Takes what `search` would have to look at into the index, when that is much, and as far as it
    /// is worth the wait.
    async fn index_for(&self, writer: &Writer, search: &Search) -> Result<(), StoreError> {
        let scanned_max = self.scanned_max;
        for _ in 0..INDEX_BATCHES_MAX {
            let wanted = search.clone();
            let enough = scanned_max.saturating_add(1);
            let missing = self.readers.read(move |db| search::missing(db, &wanted, enough)).await?;
            if missing <= scanned_max || writer.run(search::extend).await.is_err() {
                // A full disk keeps nobody from finding what is there: the rest is looked at.
                break;
            }
        }
        Ok(())
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or(StoreError::ReadOnly { source: None })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.writer()?.commit(prepare(commit)?).await
    }

    async fn sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        self.readers.read(session::all).await
    }

    async fn session(&self, id: SessionId) -> Result<SessionRecord, StoreError> {
        self.readers.read(move |db| session::record(db, id)).await
    }

    async fn branches(&self, session: SessionId) -> Result<Vec<BranchRecord>, StoreError> {
        self.readers.read(move |db| session::branches(db, session)).await
    }

    async fn branch(&self, id: BranchId) -> Result<BranchRecord, StoreError> {
        self.readers.read(move |db| session::branch(db, id)).await
    }

    async fn lineage(&self, session: SessionId, op: OpId) -> Result<Lineage, StoreError> {
        self.readers.read(move |db| lineage::lineage(db, session, op)).await
    }

    async fn ops(
        &self,
        session: SessionId,
        stretch: StretchId,
        places: Range<u32>,
    ) -> Result<Vec<Op>, StoreError> {
        self.readers.read(move |db| ops::read(db, session, stretch, places)).await
    }

    async fn reflog(
        &self,
        branch: BranchId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<ReflogEntry>, StoreError> {
        self.readers.read(move |db| reflog::read(db, branch, before, limit)).await
    }

    async fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError> {
        if let Some(writer) = &self.writer {
            self.index_for(writer, search).await?;
        }
        let search = search.clone();
        self.readers.read(move |db| search::read(db, &search)).await
    }

    async fn calls(
        &self,
        session: SessionId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.readers.read(move |db| calls::read(db, session, after, limit)).await
    }

    async fn mail(
        &self,
        session: SessionId,
        query: &MailQuery,
    ) -> Result<Vec<Delivery>, StoreError> {
        let query = query.clone();
        self.readers.read(move |db| mail::read(db, session, &query)).await
    }

    async fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.readers.read(verify::verify).await
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        let path = self.path().to_owned();
        self.readers.read(move |db| stats::stats(db, &path)).await
    }

    async fn gc(&self) -> Result<GcReport, StoreError> {
        self.writer()?.run(gc::collect).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        // The last connection to go removes the log, and only the writer can.
        self.readers.close().await;
        match &self.writer {
            Some(writer) => writer.close().await,
            None => Ok(()),
        }
    }
}
