//! How much may be asked of a provider.

use std::time::Duration;

use super::limiter::InvalidLimit;

/// Tokens that an answer is expected to have, when the request does not say how many it may have.
const OUTPUT_ESTIMATE: u64 = 1_000;

/// The longest time that a provider is left alone for while calls wait.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// How much may be asked of a provider, for a [`Limiter`](super::Limiter). What is not said is not limited.
///
/// Providers count what comes to them, and what was sent at the right distance may arrive a little closer:
/// say a little less than they allow.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub(super) requests: Option<u64>,
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) tokens: Option<u64>,
    pub(super) concurrency: Option<usize>,
    pub(super) output_estimate: u64,
    pub(super) pause_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: None,
            input: None,
            output: None,
            tokens: None,
            concurrency: None,
            output_estimate: OUTPUT_ESTIMATE,
            pause_max: PAUSE_MAX,
        }
    }
}

impl Limits {
    /// No limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls in a minute.
    #[must_use]
    pub const fn with_requests_per_minute(mut self, count: u64) -> Self {
        self.requests = Some(count);
        self
    }

    /// Tokens in a minute that models read.
    #[must_use]
    pub const fn with_input_tokens_per_minute(mut self, count: u64) -> Self {
        self.input = Some(count);
        self
    }

    /// Tokens in a minute that models write.
    #[must_use]
    pub const fn with_output_tokens_per_minute(mut self, count: u64) -> Self {
        self.output = Some(count);
        self
    }

    /// Tokens in a minute, read and written together: that is how OpenAI counts.
    #[must_use]
    pub const fn with_tokens_per_minute(mut self, count: u64) -> Self {
        self.tokens = Some(count);
        self
    }

    /// Calls at the same time.
    #[must_use]
    pub const fn with_concurrency(mut self, count: usize) -> Self {
        self.concurrency = Some(count);
        self
    }

    /// Tokens that are set aside for each answer whose request has no `max_tokens`; 1 000 when not said.
    #[must_use]
    pub const fn with_output_estimate(mut self, tokens: u64) -> Self {
        self.output_estimate = tokens;
        self
    }

    /// How long calls wait when the provider wants to be left alone; a minute when not said. While it wants
    /// more, they are refused at once, with what is left of that.
    #[must_use]
    pub const fn with_pause_max(mut self, time: Duration) -> Self {
        self.pause_max = time;
        self
    }

    pub(super) fn check(&self) -> Result<(), InvalidLimit> {
        let limits = [
            ("requests per minute", self.requests),
            ("input tokens per minute", self.input),
            ("output tokens per minute", self.output),
            ("tokens per minute", self.tokens),
            ("concurrency", self.concurrency.map(|count| count as u64)),
        ];
        match limits.into_iter().find(|(_, count)| *count == Some(0)) {
            Some((limit, _)) => Err(InvalidLimit { limit }),
            None => Ok(()),
        }
    }
}
