//! Time that moves when it is asked.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use branchwork_core::clock::{Clock, Timestamp};

/// Midnight of 1 January 2026, UTC: where a [`TestClock`] starts.
pub const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// A clock that starts at [`START`] and moves one microsecond each time it is asked.
#[derive(Debug)]
pub struct TestClock {
    next: AtomicI64,
}

impl Default for TestClock {
    fn default() -> Self {
        Self { next: AtomicI64::new(START.as_micros()) }
    }
}

impl TestClock {
    /// A clock at [`START`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what it says next. It may go back, as clocks do.
    pub fn set(&self, time: Timestamp) {
        self.next.store(time.as_micros(), Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.next.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.next.fetch_add(1, Ordering::SeqCst))
    }
}
