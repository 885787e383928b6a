//! Identifiers that are counted, so that a test gets the same ones every time.

use std::sync::atomic::{AtomicU64, Ordering};

use branchwork_core::id::IdSource;

/// Counts from 1 in the upper bits, so that identifiers of stretches differ too.
#[derive(Debug)]
pub struct SequentialIds {
    space: u32,
    next: AtomicU64,
}

impl Default for SequentialIds {
    fn default() -> Self {
        Self::in_space(0)
    }
}

impl SequentialIds {
    /// The source that counts in space 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// A source whose identifiers no source of another space gives: for tests with two writers.
    pub const fn in_space(space: u32) -> Self {
        Self { space, next: AtomicU64::new(1) }
    }
}

impl IdSource for SequentialIds {
    fn next_bits(&self) -> u128 {
        let count = self.next.fetch_add(1, Ordering::SeqCst);
        (u128::from(self.space) << 96) | (u128::from(count) << 32)
    }
}
