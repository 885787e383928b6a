//! A store that is disturbed at a commit of one's choice.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

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
use futures_util::future::BoxFuture;

/// Hands everything to another store, and disturbs one commit.
pub struct DisturbedStore {
    inner: Arc<dyn Store>,
    commits: AtomicU64,
    dead: AtomicBool,
    at: u64,
    moment: Moment,
    disturbance: Disturbance,
}

/// What happens at a commit.
enum Disturbance {
    /// The process dies: from then on nothing is written, as nobody is there to write it. What it wrote
    /// before is in the other store, for the next process.
    Death,
    /// Somebody does something.
    Deed(Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>),
}

/// When it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before the commit is written.
    Before,
    /// Once it is written, before anybody hears of it.
    After,
}

impl DisturbedStore {
    /// Its process dies at the commit of that number, counted from 1.
    pub fn dying(inner: Arc<dyn Store>, at: u64, moment: Moment) -> Self {
        Self::new(inner, (at, moment), Disturbance::Death)
    }

    /// `deed` is done at the commit of that number, counted from 1.
    pub fn meddled_with(
        inner: Arc<dyn Store>,
        (at, moment): (u64, Moment),
        deed: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self::new(inner, (at, moment), Disturbance::Deed(Box::new(deed)))
    }

    fn new(inner: Arc<dyn Store>, (at, moment): (u64, Moment), disturbance: Disturbance) -> Self {
        let (commits, dead) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { inner, commits, dead, at, moment, disturbance }
    }

    /// Lets its process die now.
    pub fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Whether its process has died.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Whether there was a commit of that number.
    pub fn is_disturbed(&self) -> bool {
        self.commits.load(Ordering::Relaxed) >= self.at
    }

    /// Disturbs the commit of that `number` when it is its turn.
    async fn disturb(&self, number: u64, moment: Moment) -> Result<(), StoreError> {
        if (number, moment) == (self.at, self.moment) {
            match &self.disturbance {
                Disturbance::Death => self.die(),
                Disturbance::Deed(deed) => deed().await,
            }
        }
        if !self.is_dead() {
            return Ok(());
        }
        let problem = "its process died".to_owned();
        Err(StoreError::Unavailable { problem, source: None })
    }
}

impl fmt::Debug for DisturbedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inner, at, moment, .. } = self;
        let mut name = formatter.debug_struct("DisturbedStore");
        name.field("inner", inner).field("at", at).field("moment", moment).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for DisturbedStore {
    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        self.disturb(number, Moment::Before).await?;
        self.inner.commit(commit).await?;
        self.disturb(number, Moment::After).await
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

    async fn mail(
        &self,
        session: SessionId,
        query: &MailQuery,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.inner.mail(session, query).await
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
