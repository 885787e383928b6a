//! What all users of a provider may ask of it together.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use branchwork_core::{
    provider::{ModelRequest, ProviderError},
    tokens::Gauge,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::{bucket::Bucket, limits::Limits, permit::Permit};
use crate::wrap::moment::later;

/// Who may call a provider now, for all that share it. Clones are the same limiter.
///
/// Calls are let through in the order in which they come, whatever they need: a large one is not overtaken by
/// small ones. So a call that waits has to be polled, or dropped: one that is kept and not looked at keeps
/// those behind it waiting. Where nothing limits, all that costs a lock and no wait.
///
/// - Requests and tokens of a minute are counted as providers do: as much as the limit at once, and what was
///   used comes back evenly. What a call needs of it is taken before it is made: one request, the tokens of
///   its messages as they are estimated, and its `max_tokens` or an estimate for each of its answers. When
///   the answer ends, what the provider counted takes the place of that. What was taken for an answer that
///   got lost, or could not be read, stays taken: the provider may have counted it. A call that needs more
///   than a minute has is let through when all of it is there.
/// - A call holds its place among those that go on at the same time until its answer has ended or is
///   dropped.
/// - When the provider refuses a call for its rate and says how long to wait, everybody waits so long; or
///   is refused at once, where that is longer than [`Limits::with_pause_max`] says.
#[derive(Debug, Clone)]
pub struct Limiter {
    shared: Arc<Shared>,
}

/// A limit that lets nothing through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {limit} is 0, it must be at least 1")]
pub struct InvalidLimit {
    /// What it limits.
    pub limit: &'static str,
}

/// What the clones of one limiter share.
#[derive(Debug)]
pub(super) struct Shared {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    requests: Option<Bucket>,
    input: Option<Bucket>,
    output: Option<Bucket>,
    /// Of tokens in both directions.
    tokens: Option<Bucket>,
    /// Calls that go on.
    active: usize,
    /// When the provider wants to be asked again.
    paused_until: Option<Instant>,
    /// Calls that wait, by the order in which they came, and what wakes each.
    waiting: BTreeMap<u64, Arc<Notify>>,
    came: u64,
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tokens {
    pub(super) input: u64,
    pub(super) output: u64,
}

/// What a call that comes, or has its turn, is told.
enum Turn {
    /// It goes.
    Go,
    /// It waits until it is woken, or until then.
    Wait(Option<Instant>),
}

impl Limiter {
    /// A limiter that nobody has used.
    ///
    /// # Errors
    ///
    /// [`InvalidLimit`] when a limit is 0: nothing could ever be asked.
    pub fn new(limits: Limits) -> Result<Self, InvalidLimit> {
        limits.check()?;
        let now = Instant::now();
        let bucket = |amount: Option<u64>| amount.map(|amount| Bucket::full(amount, now));
        let state = State {
            requests: bucket(limits.requests),
            input: bucket(limits.input),
            output: bucket(limits.output),
            tokens: bucket(limits.tokens),
            active: 0,
            paused_until: None,
            waiting: BTreeMap::new(),
            came: 0,
        };
        Ok(Self { shared: Arc::new(Shared { limits, state: Mutex::new(state) }) })
    }

    /// Calls that go on now.
    pub fn active(&self) -> usize {
        self.shared.lock().active
    }

    /// Calls that wait now.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting.len()
    }

    /// Tokens that `request` is expected to take; not counted where none are limited.
    ///
    /// Cost: looks at every byte of the messages, where tokens of the input are limited.
    pub(super) fn estimate(&self, request: &ModelRequest) -> Tokens {
        let limits = &self.shared.limits;
        let mut tokens = Tokens::default();
        if limits.input.or(limits.tokens).is_some() {
            let asked = (request.tools.as_slice(), request.config.response_schema.as_ref());
            tokens.input = Gauge::default().count(&request.messages, asked).tokens;
        }
        if limits.output.or(limits.tokens).is_some() {
            let answer = request.config.max_tokens.map_or(limits.output_estimate, u64::from);
            tokens.output = answer.saturating_mul(request.choices.into());
        }
        tokens
    }

    /// Waits until a call that takes `tokens` may be made.
    ///
    /// # Errors
    ///
    /// [`ProviderError::RateLimited`] when the provider wants to be left alone for longer than is waited.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the line, and the next call has its turn.
    pub(super) async fn admit(&self, tokens: Tokens) -> Result<Permit, ProviderError> {
        let permit = || Permit::new(Arc::clone(&self.shared), tokens);
        let Some(place) = self.come(tokens)? else { return Ok(permit()) };
        loop {
            let turn = self.shared.lock().turn(place.number, tokens, &self.shared.limits)?;
            match turn {
                Turn::Go => return Ok(permit()),
                // Woken or not, it is looked at anew.
                Turn::Wait(Some(until)) => drop(timeout_at(until, place.bell.notified()).await),
                Turn::Wait(None) => place.bell.notified().await,
            }
        }
    }

    /// Lets a call through at once when it may be and nobody waits; else gives it a place in the line.
    fn come(&self, tokens: Tokens) -> Result<Option<Place>, ProviderError> {
        let limits = &self.shared.limits;
        let mut state = self.shared.lock();
        let number = state.came;
        if let Turn::Go = state.turn(number, tokens, limits)? {
            return Ok(None);
        }
        state.came += 1;
        let bell = Arc::new(Notify::new());
        state.waiting.insert(number, Arc::clone(&bell));
        drop(state);
        Ok(Some(Place { shared: Arc::clone(&self.shared), number, bell }))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A std mutex: every section is a few sums, and no await is in any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call has ended that was let through for `taken` and took `used`; the provider may want to be left
    /// alone for `pause`.
    pub(super) fn end(&self, taken: Tokens, used: Tokens, pause: Option<Duration>) {
        let now = Instant::now();
        let mut state = self.lock();
        state.active = state.active.saturating_sub(1);
        state.settle(taken, used, now);
        if let Some(pause) = pause {
            state.paused_until = state.paused_until.max(Some(later(now, pause)));
        }
        state.ring();
    }
}

impl State {
    /// Whether the call of that number goes now, and takes what it needs, or when to look again.
    fn turn(
        &mut self,
        number: u64,
        tokens: Tokens,
        limits: &Limits,
    ) -> Result<Turn, ProviderError> {
        let now = Instant::now();
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            let left = until.duration_since(now);
            if left > limits.pause_max {
                return Err(left_alone(left));
            }
            return Ok(Turn::Wait(Some(until)));
        }
        let is_first = self.waiting.first_key_value().is_none_or(|(first, _)| *first >= number);
        if !is_first || limits.concurrency.is_some_and(|max| self.active >= max) {
            return Ok(Turn::Wait(None));
        }
        let wait = self.buckets(tokens).map(|(bucket, amount)| bucket.wait(amount, now)).max();
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Ok(Turn::Wait(Some(later(now, wait))));
        }
        self.buckets(tokens).for_each(|(bucket, amount)| bucket.take(amount));
        self.active += 1;
        self.waiting.remove(&number);
        self.ring();
        Ok(Turn::Go)
    }

    /// What is limited of a minute, with what a call takes of each.
    fn buckets(&mut self, tokens: Tokens) -> impl Iterator<Item = (&mut Bucket, u64)> {
        let all = tokens.input.saturating_add(tokens.output);
        let buckets = [
            (self.requests.as_mut(), 1),
            (self.input.as_mut(), tokens.input),
            (self.output.as_mut(), tokens.output),
            (self.tokens.as_mut(), all),
        ];
        buckets.into_iter().filter_map(|(bucket, amount)| Some((bucket?, amount)))
    }

    /// Counts what was used in place of what was taken. A request stays one.
    fn settle(&mut self, taken: Tokens, used: Tokens, now: Instant) {
        let all = |tokens: Tokens| tokens.input.saturating_add(tokens.output);
        for (bucket, taken, used) in [
            (&mut self.input, taken.input, used.input),
            (&mut self.output, taken.output, used.output),
            (&mut self.tokens, all(taken), all(used)),
        ] {
            if let Some(bucket) = bucket {
                bucket.settle(taken, used, now);
            }
        }
    }

    /// Wakes the call whose turn it is.
    fn ring(&self) {
        if let Some((_, bell)) = self.waiting.first_key_value() {
            bell.notify_one();
        }
    }
}

/// Why a call is not made while the provider wants to be left alone for so long.
fn left_alone(left: Duration) -> ProviderError {
    ProviderError::RateLimited {
        retry_after: Some(left),
        detail: format!("not asked, as the provider wants to be asked again in {left:.1?}"),
    }
}

/// A place in the line. Dropping it leaves the line.
struct Place {
    shared: Arc<Shared>,
    number: u64,
    bell: Arc<Notify>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state.waiting.remove(&self.number).is_some() {
            // It may have been woken for its turn.
            state.ring();
        }
    }
}
