//! The memory store: for tests and for work that is thrown away.

mod apply;
mod change;
mod mailroom;
mod query;
mod room;
mod state;

use std::{
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use self::state::State;
use super::{
    BranchRecord, Commit, GcReport, Hit, ReflogEntry, Search, SessionRecord, Store, StoreError,
    StoreStats, VerifyReport,
};
use crate::{
    call::CallRecord,
    graph::{Lineage, Op},
    id::{BranchId, MessageId, OpId, SessionId, StretchId},
    mail::{Delivery, MailQuery},
};

/// Keeps sessions in memory. What it keeps ends with it.
///
/// Ops are shared, not encoded. Commits are O(what they write), reads O(what they return).
#[derive(Debug, Default)]
pub struct MemoryStore {
    // A std mutex: every section is short and none awaits.
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        // A panic elsewhere cannot leave half a commit: each is checked before it is applied.
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            let problem = "it was closed".to_owned();
            return Err(StoreError::Unavailable { problem, source: None });
        }
        Ok(state)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.state()?.commit(&commit)
    }

    async fn sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        Ok(self.state()?.sessions())
    }

    async fn session(&self, id: SessionId) -> Result<SessionRecord, StoreError> {
        self.state()?.session_record(id)
    }

    async fn branches(&self, session: SessionId) -> Result<Vec<BranchRecord>, StoreError> {
        self.state()?.branches(session)
    }

    async fn branch(&self, id: BranchId) -> Result<BranchRecord, StoreError> {
        self.state()?.branch_record(id)
    }

    async fn lineage(&self, session: SessionId, op: OpId) -> Result<Lineage, StoreError> {
        self.state()?.lineage(session, op)
    }

    async fn ops(
        &self,
        session: SessionId,
        stretch: StretchId,
        places: Range<u32>,
    ) -> Result<Vec<Op>, StoreError> {
        Ok(self.state()?.ops(session, stretch, places))
    }

    async fn reflog(
        &self,
        branch: BranchId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<ReflogEntry>, StoreError> {
        self.state()?.reflog(branch, before, limit)
    }

    async fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError> {
        Ok(self.state()?.search(search))
    }

    async fn calls(
        &self,
        session: SessionId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.state()?.calls(session, after, limit)
    }

    async fn mail(
        &self,
        session: SessionId,
        query: &MailQuery,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.state()?.mail(session, query)
    }

    async fn verify(&self) -> Result<VerifyReport, StoreError> {
        Ok(self.state()?.verify())
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        Ok(self.state()?.stats())
    }

    async fn gc(&self) -> Result<GcReport, StoreError> {
        Ok(self.state()?.gc())
    }

    async fn close(&self) -> Result<(), StoreError> {
        if let Ok(mut state) = self.state() {
            state.closed = true;
        }
        Ok(())
    }
}
