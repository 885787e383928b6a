//! An engine in memory whose identifiers and times are counted, so that every try is alike.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use branchwork::{Branch, Engine, Session};
use branchwork_core::{
    clock::{Clock, Timestamp},
    id::IdSource,
    message::{Body, Draft},
    store::MemoryStore,
};
use futures_util::FutureExt as _;

/// Counts identifiers and microseconds.
#[derive(Debug)]
struct Counter(AtomicU64);

impl IdSource for Counter {
    fn next_bits(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)) << 32
    }
}

impl Clock for Counter {
    fn now(&self) -> Timestamp {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_micros(1_767_225_600_000_000 + i64::try_from(count).unwrap_or_default())
    }
}

/// An engine that knows nothing yet. Engines with other numbers give other identifiers.
pub(crate) fn engine(number: u64) -> Engine {
    let counter = || Arc::new(Counter(AtomicU64::new((number << 32) | 1)));
    Engine::builder().store(Arc::new(MemoryStore::new())).clock(counter()).ids(counter()).build()
}

/// What `work` gives: in memory nothing waits.
pub(crate) fn done<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("nothing waits")
}

/// The archive of a session.
pub(crate) async fn exported(session: &Session) -> Vec<u8> {
    let mut archive = Vec::new();
    session.export(&mut archive).await.expect("a session can be exported");
    archive
}

/// Appends a message that says `text`.
pub(crate) async fn say(branch: &Branch, text: &str) {
    branch.append(Draft::new(Body::instruction(text))).await.expect("it can be appended");
}
