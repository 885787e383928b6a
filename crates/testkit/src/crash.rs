//! A store whose process dies at a commit of one's choice.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use branchwork_core::{
    call::CallRecord,
    graph::{Lineage, Op},
    id::{BranchId, MessageId, OpId, SessionId, StretchId},
    store::{
        BranchRecord, Commit, GcReport, Hit, ReflogEntry, Search, SessionRecord, Store, StoreError,
        StoreStats, VerifyReport,
    },
};

/// Hands everything to another store, until its process dies: from then on nothing is written, as
/// nobody is there to write it. What it wrote before is in the other store, for the next process.
#[derive(Debug)]
pub struct CrashingStore {
    inner: Arc<dyn Store>,
    commits: AtomicU64,
    dies_at: u64,
    moment: Moment,
}

/// When the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the commit is written.
    Before,
    /// Once it is written, before anybody hears of it.
    After,
}

impl CrashingStore {
    /// Dies at the commit of that number, counted from 1.
    pub fn new(inner: Arc<dyn Store>, dies_at: u64, moment: Moment) -> Self {
        Self { inner, commits: AtomicU64::new(0), dies_at, moment }
    }

    /// Whether it has died.
    pub fn is_dead(&self) -> bool {
        self.commits.load(Ordering::Relaxed) >= self.dies_at
    }
}

fn dead() -> StoreError {
    StoreError::Unavailable { problem: "its process died".to_owned(), source: None }
}

#[async_trait]
impl Store for CrashingStore {
    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        if number < self.dies_at {
            return self.inner.commit(commit).await;
        }
        if number == self.dies_at && self.moment == Moment::After {
            self.inner.commit(commit).await?;
        }
        Err(dead())
    }

    async fn sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        self.inner.sessions().await
    }

    async fn session(&self, id: SessionId) -> Result<SessionRecord, StoreError> {
        self.inner.session(id).await
    }

    async fn branches(&self, session: SessionId) -> Result<Vec<BranchRecord>, StoreError> {
        self.inner.branches(session).await
    }

    async fn branch(&self, id: BranchId) -> Result<BranchRecord, StoreError> {
        self.inner.branch(id).await
    }

    async fn lineage(&self, session: SessionId, op: OpId) -> Result<Lineage, StoreError> {
        self.inner.lineage(session, op).await
    }

    async fn ops(
        &self,
        session: SessionId,
        stretch: StretchId,
        places: Range<u32>,
    ) -> Result<Vec<Op>, StoreError> {
        self.inner.ops(session, stretch, places).await
    }

    async fn reflog(
        &self,
        branch: BranchId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<ReflogEntry>, StoreError> {
        self.inner.reflog(branch, before, limit).await
    }

    async fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError> {
        self.inner.search(search).await
    }

    async fn calls(
        &self,
        session: SessionId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.inner.calls(session, after, limit).await
    }

    async fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.inner.verify().await
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        self.inner.stats().await
    }

    async fn gc(&self) -> Result<GcReport, StoreError> {
        self.inner.gc().await
    }

    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
