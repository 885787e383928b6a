//! The storage boundary: what the engine needs kept, and nothing of how.
//!
//! A write is one value, a [`Commit`]: atomic, checked against the heads the writer saw, safe to
//! repeat. Reads are of two kinds: small records, and runs of ops of one stretch, from which
//! [`read`] makes views and pages.

mod commit;
mod error;
mod memory;
pub mod read;
mod record;
pub mod search;

use std::{fmt, ops::Range};

use async_trait::async_trait;

pub use self::{
    commit::{Chain, Change, Commit, HeadMove},
    error::{Conflict, StoreError},
    memory::MemoryStore,
    record::{
        BranchRecord, Cause, GcReport, Hit, ReflogEntry, Search, SessionRecord, StoreStats,
        VerifyReport,
    },
};
use crate::{
    call::CallRecord,
    graph::{Lineage, Op},
    id::{BranchId, MessageId, OpId, SessionId, StretchId},
    mail::{Delivery, MailQuery},
};

/// Keeps sessions durably. Object-safe; shared by `Arc`.
///
/// # Contract
///
/// - A [`commit`](Self::commit) that returned `Ok` survives a crash, when the store keeps anything
///   beyond the process at all.
/// - A commit is atomic: all of it, or nothing.
/// - Of two commits that move one head from the same place, at most one succeeds; the other gets
///   [`Conflict::HeadMoved`] and leaves no trace.
/// - Committing the same value again, when nobody moved the heads since, succeeds and changes
///   nothing.
/// - A mail is for branches that are there: sending it to another is [`StoreError::NotFound`]. Each of its
///   deliveries is in one place at any time; one that is not where the writer saw it is
///   [`Conflict::MailMoved`]. That a receipt is an op is not looked at, for it may be one that was
///   collected with its branch; [`verify`](Self::verify) does, for branches that are there.
/// - Deliveries are numbered in the order in which they were sent, those of one mail in the order of its
///   recipients. None overtakes another from the same sender to the same recipient.
/// - Reads see every commit that returned before they began.
/// - What was deleted is not found any more, by name or identifier; [`gc`](Self::gc) takes its
///   space.
///
/// `branchwork_testkit::store_conformance!` checks this; every implementation runs it.
///
/// # Cancel safety
///
/// Dropping the future of a commit leaves all or nothing of it written.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Makes `commit` durable.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when what the writer saw no longer holds; nothing was written.
    /// [`StoreError::Unavailable`] when it is unknown whether it was written: commit it again.
    async fn commit(&self, commit: Commit) -> Result<(), StoreError>;

    /// Every session that was not deleted, archived ones included, the most recently used first.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    async fn sessions(&self) -> Result<Vec<SessionRecord>, StoreError>;

    /// One session.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    async fn session(&self, id: SessionId) -> Result<SessionRecord, StoreError>;

    /// The branches of a session, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when there is no such session.
    async fn branches(&self, session: SessionId) -> Result<Vec<BranchRecord>, StoreError>;

    /// One branch.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    async fn branch(&self, id: BranchId) -> Result<BranchRecord, StoreError>;

    /// The way from the root of the session's graph to `op`.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when the session has no such op.
    async fn lineage(&self, session: SessionId, op: OpId) -> Result<Lineage, StoreError>;

    /// The ops at `places` of one stretch, in order; fewer where the stretch ends.
    ///
    /// At most [`READ_OPS_MAX`](crate::limits::READ_OPS_MAX) are returned: callers ask again from
    /// where the answer ended.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] when one cannot be decoded.
    async fn ops(
        &self,
        session: SessionId,
        stretch: StretchId,
        places: Range<u32>,
    ) -> Result<Vec<Op>, StoreError>;

    /// The moves of a branch's head whose revision is below `before`, newest first, at most
    /// `limit`. An append of several ops is several moves.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when there is no such branch.
    async fn reflog(
        &self,
        branch: BranchId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<ReflogEntry>, StoreError>;

    /// The messages that hold a text, newest first: see [`Search`].
    ///
    /// # Errors
    ///
    /// Those of the connection.
    async fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError>;

    /// The calls of models of a session, at most `limit`: those of one stretch in its order, the
    /// stretches in one order that never changes. The next ones come `after` the last answer.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when there is no such session, [`StoreError::Corrupt`] when one
    /// cannot be decoded.
    async fn calls(
        &self,
        session: SessionId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError>;

    /// The deliveries of a session that `query` means, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when there is no such session, [`StoreError::Corrupt`] when one
    /// cannot be decoded.
    async fn mail(
        &self,
        session: SessionId,
        query: &MailQuery,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Checks every invariant that can be seen in what is stored. Changes nothing.
    ///
    /// # Errors
    ///
    /// Those of the connection: what is found wrong is in the report.
    async fn verify(&self) -> Result<VerifyReport, StoreError>;

    /// What is stored, counted.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    async fn stats(&self) -> Result<StoreStats, StoreError>;

    /// Takes away what no branch and no reflog reaches any more.
    ///
    /// # Errors
    ///
    /// Those of the connection; then nothing was taken away.
    async fn gc(&self) -> Result<GcReport, StoreError>;

    /// Writes out what is pending and lets go of files and threads. Later calls fail.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    async fn close(&self) -> Result<(), StoreError>;
}
