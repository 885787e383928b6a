//! The clock of the machine.

use std::time::SystemTime;

use branchwork_core::clock::{Clock, Timestamp};

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}
