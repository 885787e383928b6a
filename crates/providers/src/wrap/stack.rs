//! Wrappers in the one order that makes sense.

use std::sync::Arc;

use branchwork_core::provider::Provider;

use super::{
    Breaker, Cache, CacheOptions, Circuit, Fallback, Limiter, RateLimit, Retry, RetryOptions,
    TimeoutOptions, Timeouts, fallback::Other,
};

/// Puts wrappers around a provider, in the one order that makes sense, whatever the order in which they are
/// named here:
///
/// | from outside | why there |
/// |---|---|
/// | [`Fallback`] | each provider has its own keys, limits and failures, so each has its own of all below |
/// | [`Cache`] | what is known needs no turn, no try and no provider that is up |
/// | [`Retry`] | each try passes all below again: it waits for its turn, and counts |
/// | [`Breaker`] | sees each try, and keeps one that has no prospect from waiting for a turn |
/// | [`RateLimit`] | counts what is sent |
/// | [`Timeouts`] | time counts from when the call is made, not while it waits for its turn |
///
/// An open circuit is waited for by [`Retry`], as far as its options go. Where there is a [`Fallback`], it is
/// passed by at once: no call is made anew while the circuit is open.
///
/// For another order, or one of them twice, put them around each other by their `new`.
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// # use branchwork_testkit::{Script, ScriptedProvider};
/// # fn main() -> Result<(), branchwork_providers::wrap::InvalidLimit> {
/// # let local = Arc::new(ScriptedProvider::new());
/// use branchwork_providers::wrap::{Limiter, Limits, RetryOptions, Stack, TimeoutOptions};
///
/// let limiter = Limiter::new(Limits::new().with_concurrency(4))?;
/// let provider = Stack::over(local)
///     .with_retry(RetryOptions::new())
///     .with_limiter(limiter) // shared with other stacks over the same server
///     .with_timeouts(TimeoutOptions::new().with_first_token(Duration::from_secs(30)))
///     .build();
/// # drop(provider);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is wrapped before it is built"]
pub struct Stack {
    provider: Arc<dyn Provider>,
    timeouts: Option<TimeoutOptions>,
    limiter: Option<Limiter>,
    circuit: Option<Circuit>,
    retry: Option<RetryOptions>,
    cache: Option<CacheOptions>,
    fallbacks: Vec<Other>,
    has_next: bool,
}

impl Stack {
    /// Nothing around `provider` yet.
    pub fn over(provider: Arc<dyn Provider>) -> Self {
        Self {
            provider,
            timeouts: None,
            limiter: None,
            circuit: None,
            retry: None,
            cache: None,
            fallbacks: Vec::new(),
            has_next: false,
        }
    }

    /// Ends calls that take too long.
    pub const fn with_timeouts(mut self, options: TimeoutOptions) -> Self {
        self.timeouts = Some(options);
        self
    }

    /// Asks when `limiter` lets it.
    pub fn with_limiter(mut self, limiter: Limiter) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// Asks only while `circuit` is closed.
    pub fn with_circuit(mut self, circuit: Circuit) -> Self {
        self.circuit = Some(circuit);
        self
    }

    /// Makes calls anew that failed for a reason that passes.
    pub fn with_retry(mut self, options: RetryOptions) -> Self {
        self.retry = Some(options);
        self
    }

    /// Gives answers again.
    pub const fn with_cache(mut self, options: CacheOptions) -> Self {
        self.cache = Some(options);
        self
    }

    /// Asks `provider` when all before it cannot answer, for `model` when it is said. It may be a stack of
    /// its own.
    pub fn with_fallback(mut self, provider: Arc<dyn Provider>, model: Option<&str>) -> Self {
        self.fallbacks.push(Other::new(provider, model));
        self
    }

    /// Calls the fallback that was added last so, see [`Fallback::named`].
    pub fn with_fallback_name(mut self, name: impl Into<String>) -> Self {
        if let Some(other) = self.fallbacks.last_mut() {
            other.name = name.into();
        }
        self
    }

    /// Says that the caller puts it into a chain, and that another one comes after it: an open circuit is passed
    /// by at once, as where it has fallbacks of its own.
    pub const fn with_next(mut self) -> Self {
        self.has_next = true;
        self
    }

    /// Puts them around the provider.
    pub fn build(self) -> Arc<dyn Provider> {
        let Self { mut provider, timeouts, limiter, circuit, retry, cache, fallbacks, has_next } =
            self;
        if let Some(options) = timeouts {
            provider = Arc::new(Timeouts::new(provider, options));
        }
        if let Some(limiter) = limiter {
            provider = Arc::new(RateLimit::new(provider, limiter));
        }
        let passed_by = circuit.clone().filter(|_| has_next || !fallbacks.is_empty());
        if let Some(circuit) = circuit {
            provider = Arc::new(Breaker::new(provider, circuit));
        }
        if let Some(options) = retry {
            let retry = Retry::new(provider, options);
            provider = Arc::new(match passed_by {
                Some(circuit) => retry.while_closed(circuit),
                None => retry,
            });
        }
        if let Some(options) = cache {
            provider = Arc::new(Cache::new(provider, options));
        }
        if fallbacks.is_empty() {
            return provider;
        }
        Arc::new(Fallback::of(provider, fallbacks))
    }
}
