//! Providers around providers: what makes calls robust, and keeps to limits.
//!
//! | wrapper | does |
//! |---|---|
//! | [`Retry`] | makes a call anew that failed for a reason that passes |
//! | [`RateLimit`] | waits for its turn: calls and tokens in a minute, calls at the same time, by a [`Limiter`] that is shared |
//! | [`Timeouts`] | ends a call that takes too long |
//! | [`Fallback`] | asks another provider when one cannot answer |
//! | [`Breaker`] | leaves a provider alone that fails again and again, by a [`Circuit`] that is shared |
//! | [`Cache`] | gives an answer again to the same request |
//!
//! Each is a [`Provider`](branchwork_core::provider::Provider) over an `Arc<dyn Provider>`, so that they
//! compose; [`Stack`] puts them in the order that makes sense. Rendering and the list of models pass
//! through all of them: what is rendered does not depend on what is around.
//!
//! A failure is the same to all of them whether it comes before the answer or in it, as long as nothing of
//! the answer was said. All waits are by the time of tokio. There are no tasks: what goes on, goes on while
//! its reader waits, and ends when that is dropped.

mod breaker;
mod cache;
mod circuit;
mod fallback;
mod jitter;
mod limit;
mod moment;
mod retry;
mod shelf;
mod stack;
#[cfg(test)]
mod tests;
mod timeouts;
mod tries;

pub use self::{
    breaker::Breaker,
    cache::{Cache, CacheOptions},
    circuit::{Circuit, CircuitOptions},
    fallback::Fallback,
    jitter::Jitter,
    limit::{InvalidLimit, Limiter, Limits, RateLimit},
    retry::{Retry, RetryOptions},
    stack::Stack,
    timeouts::{TimeoutOptions, Timeouts},
};
