//! Ops on their way into a store: some are gathered while the ones before them are written.

use std::{future::poll_fn, task::Poll};

use branchwork_core::{
    call::ModelCall,
    graph::Op,
    id::{BranchId, OpId, SessionId},
    store::{Cause, Commit, HeadMove, Store, StoreError},
};
use futures_util::future::BoxFuture;

/// Ops that are committed at once.
const OPS: usize = 2_000;

/// Bytes of lines that are committed at once.
const BYTES: usize = 4 * 1024 * 1024;

/// Ops of one branch that are not committed yet, and the commit that is under way.
pub(super) struct Batch<'a> {
    store: &'a dyn Store,
    session: SessionId,
    branch: Option<BranchId>,
    from: Option<OpId>,
    ops: Vec<Op>,
    calls: Vec<(OpId, ModelCall)>,
    bytes: usize,
    under_way: Option<BoxFuture<'a, Result<(), StoreError>>>,
}

impl<'a> Batch<'a> {
    pub(super) const fn new(store: &'a dyn Store, session: SessionId) -> Self {
        Self {
            store,
            session,
            branch: None,
            from: None,
            ops: Vec::new(),
            calls: Vec::new(),
            bytes: 0,
            under_way: None,
        }
    }

    /// Makes room for an op of `branch`.
    pub(super) async fn make_room(&mut self, branch: BranchId) -> Result<(), StoreError> {
        if self.branch != Some(branch) || self.ops.len() == OPS || self.bytes > BYTES {
            self.send().await?;
        }
        Ok(())
    }

    /// Adds the op that `branch` appends behind `from`; its line has that many bytes.
    pub(super) fn push(
        &mut self,
        (branch, from): (BranchId, Option<OpId>),
        op: Op,
        call: Option<ModelCall>,
        bytes: usize,
    ) {
        if self.ops.is_empty() {
            (self.branch, self.from) = (Some(branch), from);
        }
        self.bytes += bytes;
        self.calls.extend(call.map(|call| (op.id, call)));
        self.ops.push(op);
    }

    /// Commits what was added, and waits until it is there.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        self.send().await?;
        self.wait().await
    }

    /// Hands what was added to the store, and waits only for what came before: while it writes, the
    /// next ones are read.
    async fn send(&mut self) -> Result<(), StoreError> {
        let ops = std::mem::take(&mut self.ops);
        let (Some(branch), Some(last)) = (self.branch.take(), ops.last()) else { return Ok(()) };
        let (from, to, at) = (self.from, Some(last.id), last.at);
        let head = HeadMove { branch, from, to, cause: Cause::Append };
        let mut commit = Commit::new(self.session, at).with_ops(ops, head);
        commit.calls = std::mem::take(&mut self.calls);
        self.bytes = 0;
        let mut commit = self.store.commit(commit);
        // A future does nothing before it is first polled.
        let handed_over = poll_fn(|context| Poll::Ready(commit.as_mut().poll(context))).await;
        self.wait().await?;
        match handed_over {
            Poll::Ready(committed) => committed,
            Poll::Pending => {
                self.under_way = Some(commit);
                Ok(())
            }
        }
    }

    async fn wait(&mut self) -> Result<(), StoreError> {
        match self.under_way.take() {
            Some(commit) => commit.await,
            None => Ok(()),
        }
    }
}
