//! What the wrappers decide, by the time of tokio, which stands still while nobody waits.

mod breaker;
mod cache;
mod fallback;
mod limit;
mod retry;
mod stack;
mod support;
mod timeouts;
