//! The threads that read. They start with the first read.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use branchwork_core::store::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{
    connection::Place,
    error::{Answer, Failure, store_error},
    writer::unavailable,
};

/// Reads that go on at the same time: enough that a long one does not hold up the others.
const THREADS: usize = 2;

/// Reads that may wait for a thread. Who comes later waits to be let in.
const QUEUE_MAX: usize = 256;

/// A read. It answers whoever asked by itself.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) + Send>;

/// The way to the threads that read.
pub(crate) struct Readers {
    place: Place,
    // A std mutex: it guards starting and ending, and nothing awaits in it.
    state: Mutex<State>,
}

enum State {
    Idle,
    Running { queue: mpsc::Sender<Job>, ended: Vec<oneshot::Receiver<()>> },
    Closed,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Readers {
    /// No thread is started yet.
    pub(crate) const fn new(place: Place) -> Self {
        Self { place, state: Mutex::new(State::Idle) }
    }

    /// Where the file is.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// Runs `work` on a connection, inside one transaction.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Answer<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            let result = db.and_then(|db| in_transaction(db, work).map_err(Failure::into_error));
            drop(reply.send(result));
        });
        self.queue()?.send(job).await.map_err(|_ended| unavailable("it was closed"))?;
        answer.await.map_err(|_ended| unavailable("its reader ended"))?
    }

    /// Lets no more reads in, and waits for those that were let in.
    pub(crate) async fn close(&self) {
        let before = mem::replace(&mut *self.state(), State::Closed);
        if let State::Running { queue, ended } = before {
            drop(queue);
            for ended in ended {
                // The thread drops its end when it is done.
                drop(ended.await);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue; starts the threads when they do not run.
    fn queue(&self) -> Result<mpsc::Sender<Job>, StoreError> {
        let mut state = self.state();
        match &*state {
            State::Running { queue, .. } => Ok(queue.clone()),
            State::Closed => Err(unavailable("it was closed")),
            State::Idle => {
                let (queue, ended) = start(&self.place)?;
                *state = State::Running { queue: queue.clone(), ended };
                Ok(queue)
            }
        }
    }
}

type Started = (mpsc::Sender<Job>, Vec<oneshot::Receiver<()>>);

fn start(place: &Place) -> Result<Started, StoreError> {
    let (queue, jobs) = mpsc::channel(QUEUE_MAX);
    let jobs = Arc::new(Mutex::new(jobs));
    let mut ended = Vec::with_capacity(THREADS);
    for _ in 0..THREADS {
        let (end, thread_ended) = oneshot::channel();
        let (place, jobs) = (place.clone(), Arc::clone(&jobs));
        thread::Builder::new()
            .name("branchwork-reader".to_owned())
            .spawn(move || {
                run(&place, &jobs);
                drop::<oneshot::Sender<()>>(end);
            })
            .map_err(|error| StoreError::Unavailable {
                problem: "a reader's thread cannot be started".to_owned(),
                source: Some(Box::new(error)),
            })?;
        ended.push(thread_ended);
    }
    Ok((queue, ended))
}

/// Works until the queue is closed and empty. The connection is opened for the first read.
fn run(place: &Place, jobs: &Mutex<mpsc::Receiver<Job>>) {
    let mut connection = None;
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
    while let Some(job) = next() {
        if connection.is_none() {
            match place.open_reader() {
                Ok(db) => connection = Some(db),
                Err(error) => {
                    job(Err(store_error(Arc::new(error))));
                    continue;
                }
            }
        }
        if let Some(db) = &connection {
            job(Ok(db));
        }
    }
}

/// All of `work` sees the same state.
fn in_transaction<T>(db: &Connection, work: impl FnOnce(&Connection) -> Answer<T>) -> Answer<T> {
    db.prepare_cached("BEGIN")?.execute(())?;
    let answer = work(db);
    if !db.is_autocommit() {
        db.prepare_cached("ROLLBACK")?.execute(())?;
    }
    answer
}
