//! What all users of a provider know of how it fares.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use branchwork_core::provider::ProviderError;
use tokio::time::Instant;

use super::moment::later;

/// Failures in a row that open a circuit.
const FAILURES: u32 = 5;

/// How long a circuit stays open.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// When a [`Circuit`] opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct CircuitOptions {
    failures: u32,
    cool_down: Duration,
}

impl Default for CircuitOptions {
    fn default() -> Self {
        Self { failures: FAILURES, cool_down: COOL_DOWN }
    }
}

impl CircuitOptions {
    /// After five failures in a row, for half a minute.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens after `count` failures in a row; 0 is as 1.
    #[must_use]
    pub const fn with_failures(mut self, count: u32) -> Self {
        self.failures = count;
        self
    }

    /// Stays open for `time`.
    #[must_use]
    pub const fn with_cool_down(mut self, time: Duration) -> Self {
        self.cool_down = time;
        self
    }
}

/// Whether a provider is asked at all, for all that ask it. Clones are the same circuit.
///
/// It is closed until so many calls in a row fail as the options say: the provider is unavailable or silent,
/// or its answers break off or cannot be read. Then it is open, and no call is made. After the cool-down it
/// is half open: one call is made, and whether that is answered or fails closes it or opens it again. A limit
/// of the rate says nothing of how a provider fares; any other refusal is an answer.
#[derive(Debug, Clone)]
pub struct Circuit {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: CircuitOptions,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Failures in a row.
    failures: u32,
    /// Which change of the phase was the last one: a call that began before tells nothing of the phase.
    changes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    Open {
        until: Instant,
    },
    /// One call finds out.
    HalfOpen,
}

impl Circuit {
    /// A closed circuit.
    pub fn new(options: CircuitOptions) -> Self {
        let state = Mutex::new(State { phase: Phase::Closed, failures: 0, changes: 0 });
        Self { shared: Arc::new(Shared { options, state }) }
    }

    /// Whether a call would not pass now.
    pub(super) fn is_open(&self) -> bool {
        match self.shared.lock().phase {
            Phase::Closed => false,
            Phase::Open { until } => until > Instant::now(),
            Phase::HalfOpen => true,
        }
    }

    /// Lets a call pass.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Unavailable`] while it is open, and while another call finds out.
    pub(super) fn pass(&self) -> Result<Passage, ProviderError> {
        let now = Instant::now();
        let mut state = self.shared.lock();
        match state.phase {
            Phase::Closed => {}
            Phase::Open { until } if until <= now => state.change(Phase::HalfOpen),
            Phase::Open { until } => return Err(state.open(Some(until.duration_since(now)))),
            Phase::HalfOpen => return Err(state.open(None)),
        }
        let (since, finds_out) = (state.changes, state.phase == Phase::HalfOpen);
        drop(state);
        Ok(Passage { shared: Arc::clone(&self.shared), since, finds_out })
    }
}

impl Default for Circuit {
    fn default() -> Self {
        Self::new(CircuitOptions::default())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A std mutex: every section is a few comparisons.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn change(&mut self, phase: Phase) {
        self.phase = phase;
        self.changes += 1;
    }

    fn close(&mut self) {
        self.failures = 0;
        if self.phase != Phase::Closed {
            self.change(Phase::Closed);
        }
    }

    /// Why a call is not made, when the circuit is open for so long.
    fn open(&self, left: Option<Duration>) -> ProviderError {
        let failures = self.failures;
        let until = match left {
            Some(left) => format!("it is asked again in {left:.1?}"),
            None => "one call finds out whether it answers again".to_owned(),
        };
        ProviderError::Unavailable {
            status: None,
            retry_after: left,
            detail: format!("not asked, as it failed {failures} times in a row: {until}"),
            source: None,
        }
    }
}

/// A call that passed. Dropped before it tells how it went, it lets the next one find out.
#[derive(Debug)]
pub(super) struct Passage {
    shared: Arc<Shared>,
    /// The change of the phase that was the last one when it passed.
    since: u64,
    /// Whether it is the one call that passed a circuit which was open.
    finds_out: bool,
}

impl Passage {
    /// The provider begins to answer: that is all that a half-open circuit waits for.
    pub(super) fn answered(&mut self) {
        if self.finds_out {
            self.succeeded();
        }
    }

    /// The provider answered.
    pub(super) fn succeeded(&mut self) {
        let mut state = self.shared.lock();
        if state.changes == self.since {
            state.close();
            self.since = state.changes;
        }
        drop(state);
        self.finds_out = false;
    }

    /// The call failed.
    pub(super) fn failed(&mut self, error: &ProviderError) {
        match error {
            ProviderError::Unavailable { .. }
            | ProviderError::Truncated { .. }
            | ProviderError::Malformed { .. } => self.note_failure(),
            ProviderError::RateLimited { .. } => {}
            _ => self.succeeded(),
        }
    }

    fn note_failure(&self) {
        let until = later(Instant::now(), self.shared.options.cool_down);
        let mut state = self.shared.lock();
        if state.changes == self.since {
            state.failures = state.failures.saturating_add(1);
            if state.phase == Phase::HalfOpen || state.failures >= self.shared.options.failures {
                state.change(Phase::Open { until });
            }
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if !self.finds_out {
            return;
        }
        let mut state = self.shared.lock();
        if state.changes == self.since && state.phase == Phase::HalfOpen {
            state.change(Phase::Open { until: Instant::now() });
        }
    }
}
