//! Places where an answer waits for the test.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A place in a [`Script`](super::Script) where the answer waits until it is released.
///
/// Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    reached: Arc<Semaphore>,
    released: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { reached: Arc::new(Semaphore::new(0)), released: Arc::new(Semaphore::new(0)) }
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns once an answer has come to the gate; at once when one has before.
    pub async fn reached(&self) {
        drop(self.reached.acquire().await);
    }

    /// Lets every answer through, now and later.
    pub fn release(&self) {
        self.released.add_permits(1);
    }

    /// Comes to the gate and waits until it is open.
    pub async fn pass(&self) {
        self.reached.add_permits(1);
        drop(self.released.acquire().await);
    }
}
