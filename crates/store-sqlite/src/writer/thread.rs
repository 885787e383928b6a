//! The writer's thread and the queue that feeds it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use branchwork_core::store::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{batch, prepare::Prepared};
use crate::error::{Answer, Failure, store_error};

/// Commits and other work that may wait for the writer. Who comes later waits to be let in.
const QUEUE_MAX: usize = 1_024;

/// Commits that share one transaction, so that the first of them does not wait for too long.
const BATCH_COMMITS_MAX: usize = 256;

/// How long the end of a store waits for others, so as to write the log back into the file.
const FINISH_TIMEOUT: Duration = Duration::from_millis(100);

/// What the writer is asked to do.
pub(super) enum Command {
    Commit(PendingCommit),
    Work(Work),
}

/// A commit, and who waits for it.
pub(super) struct PendingCommit {
    /// Boxed: it is large, and the queue is long.
    pub(super) prepared: Box<Prepared>,
    pub(super) reply: oneshot::Sender<Result<(), StoreError>>,
}

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// The way to the writer's thread.
pub(crate) struct Writer {
    // A std mutex: it guards a clone and a take, and none awaits.
    queue: Mutex<Option<mpsc::Sender<Command>>>,
    ended: Mutex<Option<oneshot::Receiver<Result<(), StoreError>>>>,
    transactions: Arc<AtomicU64>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(db: Connection) -> Result<Self, StoreError> {
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let (end, ended) = oneshot::channel();
        let transactions = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&transactions);
        thread::Builder::new()
            .name("branchwork-writer".to_owned())
            .spawn(move || drop(end.send(run(db, commands, &counter))))
            .map_err(|error| StoreError::Unavailable {
                problem: "the writer's thread cannot be started".to_owned(),
                source: Some(Box::new(error)),
            })?;
        let (queue, ended) = (Mutex::new(Some(queue)), Mutex::new(Some(ended)));
        Ok(Self { queue, ended, transactions })
    }

    /// Makes one commit durable.
    pub(crate) async fn commit(&self, prepared: Prepared) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let prepared = Box::new(prepared);
        self.send(Command::Commit(PendingCommit { prepared, reply })).await?;
        answer.await.map_err(|_ended| unavailable("its writer ended"))?
    }

    /// Runs `work` on the connection, after all that was asked for before.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Answer<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |db| {
            drop(reply.send(work(db).map_err(Failure::into_error)));
        });
        self.send(Command::Work(work)).await?;
        answer.await.map_err(|_ended| unavailable("its writer ended"))?
    }

    /// Lets no more work in, waits for what was let in, and lets go of the file.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        match ended {
            Some(ended) => ended.await.map_err(|_ended| unavailable("its writer ended"))?,
            None => Ok(()),
        }
    }

    /// How many transactions were committed.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    async fn send(&self, command: Command) -> Result<(), StoreError> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let closed = || unavailable("it was closed");
        queue.ok_or_else(closed)?.send(command).await.map_err(|_ended| closed())
    }
}

pub(crate) fn unavailable(problem: &str) -> StoreError {
    StoreError::Unavailable { problem: problem.to_owned(), source: None }
}

/// Works until the queue is closed and empty, then writes the log back into the file.
fn run(
    mut db: Connection,
    mut commands: mpsc::Receiver<Command>,
    transactions: &AtomicU64,
) -> Result<(), StoreError> {
    while let Some(command) = commands.blocking_recv() {
        let (batch, work) = gather(command, &mut commands);
        batch::write(&db, batch, transactions);
        if let Some(work) = work {
            work(&mut db);
        }
    }
    finish(db)
}

/// The commits that wait now, up to the first other work, and that.
fn gather(
    first: Command,
    commands: &mut mpsc::Receiver<Command>,
) -> (Vec<PendingCommit>, Option<Work>) {
    let mut batch = Vec::new();
    let mut next = Some(first);
    while let Some(command) = next {
        match command {
            Command::Commit(commit) => batch.push(commit),
            Command::Work(work) => return (batch, Some(work)),
        }
        next = if batch.len() < BATCH_COMMITS_MAX { commands.try_recv().ok() } else { None };
    }
    (batch, None)
}

fn finish(db: Connection) -> Result<(), StoreError> {
    // While others still use the file it cannot be done, and the last of them does it.
    let patience = db.busy_timeout(FINISH_TIMEOUT);
    let checkpoint = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
    let closed = db.close().map_err(|(_, error)| error);
    patience.and(checkpoint).and(closed).map_err(|error| store_error(Arc::new(error)))
}
