//! Calls that are made anew when they fail for a reason that passes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use branchwork_core::provider::{
    EventStream, ModelInfo, ModelRequest, Provider, ProviderError, RenderedRequest,
};
use tokio::time::Instant;

use super::{
    circuit::Circuit,
    jitter::Jitter,
    tries::{self, Next, Plan},
};

/// How often a call is made anew.
const RETRIES_MAX: u32 = 4;

/// The longest wait before the first retry; it doubles with each.
const WAIT_FIRST: Duration = Duration::from_millis(500);

/// The longest wait of all. Who is to wait longer should be told.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// From the first try to the beginning of the last.
const TIME_MAX: Duration = Duration::from_mins(5);

/// How often, and how long apart, [`Retry`] makes a call anew.
#[derive(Debug, Clone)]
pub struct RetryOptions {
    retries_max: u32,
    wait_first: Duration,
    wait_max: Duration,
    time_max: Duration,
    after_first_token: bool,
    jitter: Jitter,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            retries_max: RETRIES_MAX,
            wait_first: WAIT_FIRST,
            wait_max: WAIT_MAX,
            time_max: TIME_MAX,
            after_first_token: false,
            jitter: Jitter::default(),
        }
    }
}

impl RetryOptions {
    /// Four times at most, half a second to a minute apart, within five minutes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a call anew `count` times at most; 0 never does.
    #[must_use]
    pub const fn with_retries_max(mut self, count: u32) -> Self {
        self.retries_max = count;
        self
    }

    /// Waits for a random time below `wait` before the first retry, below twice that before the second, and
    /// so on.
    #[must_use]
    pub const fn with_wait_first(mut self, wait: Duration) -> Self {
        self.wait_first = wait;
        self
    }

    /// Never waits longer than `wait`: a call whose server asks for more fails at once, with the error that
    /// says so.
    #[must_use]
    pub const fn with_wait_max(mut self, wait: Duration) -> Self {
        self.wait_max = wait;
        self
    }

    /// Begins no try later than `time` after the first. One that goes on is not cut off: that is what
    /// [`Timeouts`](super::Timeouts) are for.
    #[must_use]
    pub const fn with_time_max(mut self, time: Duration) -> Self {
        self.time_max = time;
        self
    }

    /// Also makes a call anew whose answer broke off after something was said, when `yes`. What was said
    /// does not count then, and is paid for again.
    #[must_use]
    pub const fn after_first_token(mut self, yes: bool) -> Self {
        self.after_first_token = yes;
        self
    }

    /// Takes the random part of waits from `jitter`; else the operating system seeds it.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// How long to wait before a call is made anew that was `retries` times; `None` when it is to be given
    /// up.
    fn wait(&self, error: &ProviderError, retries: u32) -> Option<Duration> {
        let asked = error.retry_after().unwrap_or_default();
        if !error.is_retryable() || retries >= self.retries_max || asked > self.wait_max {
            return None;
        }
        let doubled = 2_u32.saturating_pow(retries);
        let bound = self.wait_first.saturating_mul(doubled).min(self.wait_max);
        // Behind what the server asks for, as all who were refused with us come then.
        let wait = asked.saturating_add(self.jitter.below(bound));
        Some(wait.min(self.wait_max))
    }
}

/// Makes calls anew that failed for a reason that passes.
///
/// - Only what [`is_retryable`](ProviderError::is_retryable) says may succeed later: a server that is
///   busy, down or silent, an answer that broke off or cannot be read. Never a refusal.
/// - Waits grow exponentially, and their whole length is random ("full jitter"), so that callers who failed
///   together do not come again together. They are never shorter than
///   [`retry_after`](ProviderError::retry_after); where that is more than the options allow, the call fails
///   at once, with that error as it came.
/// - Once something of the answer was said, a failure is final, unless
///   [`after_first_token`](RetryOptions::after_first_token) says otherwise.
///
/// A server that does not answer may have read the request, and made an answer that nobody heard. Asking
/// again changes nothing there, but it may be paid for twice.
///
/// The reader is told of each retry by [`Retried`](branchwork_core::provider::ProviderEvent::Retried),
/// when the wait is over: all that came before does not count. For that, [`send`](Provider::send) answers
/// as soon as the first try was accepted or failed, and the rest happens while the answer is read. What
/// failed tries told of their tokens is in every [`Usage`](branchwork_core::provider::Usage) that follows,
/// and comes once more right behind `Retried`: it was paid for. So the usage of a call that was retried
/// says what it cost, and not how long the request is.
///
/// # Cancel safety
///
/// As for every provider: dropping the answer ends the wait, or the try that goes on, and no other is made.
#[derive(Debug)]
pub struct Retry {
    inner: Arc<dyn Provider>,
    options: RetryOptions,
    /// While it is open, no call is made anew.
    circuit: Option<Circuit>,
}

impl Retry {
    /// Makes calls of `inner` anew.
    pub fn new(inner: Arc<dyn Provider>, options: RetryOptions) -> Self {
        Self { inner, options, circuit: None }
    }

    /// Makes no call anew while `circuit` is open: somebody else can be asked.
    pub(super) fn while_closed(mut self, circuit: Circuit) -> Self {
        self.circuit = Some(circuit);
        self
    }
}

#[async_trait]
impl Provider for Retry {
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        self.inner.render(request)
    }

    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let plan = Again {
            inner: Arc::clone(&self.inner),
            request: Arc::new(request.clone()),
            options: self.options.clone(),
            circuit: self.circuit.clone(),
            began: Instant::now(),
            retries: 0,
        };
        tries::answer(self.inner.send(request, rendered).await, plan)
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        self.inner.models().await
    }
}

/// Asks the same again.
struct Again {
    inner: Arc<dyn Provider>,
    request: Arc<ModelRequest>,
    options: RetryOptions,
    circuit: Option<Circuit>,
    began: Instant,
    retries: u32,
}

impl Plan for Again {
    fn next(&mut self, error: &ProviderError, has_said: bool) -> Option<Next> {
        if has_said && !self.options.after_first_token {
            return None;
        }
        if self.circuit.as_ref().is_some_and(Circuit::is_open) {
            return None;
        }
        let wait = self.options.wait(error, self.retries)?;
        if self.began.elapsed().saturating_add(wait) > self.options.time_max {
            return None;
        }
        self.retries += 1;
        let (inner, request) = (Arc::clone(&self.inner), Arc::clone(&self.request));
        // The same request renders to the same bytes, so they need not be kept for this.
        Some(Next { wait, send: Box::pin(async move { inner.call(&request).await }) })
    }
}
