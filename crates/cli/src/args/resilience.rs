//! How calls of models are made: what the configuration file says too, of each provider.

use std::{
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    time::Duration,
};

use clap::Args;

use super::duration;

/// How calls of a provider are made. What is said nowhere is not done, or as long as ever.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(next_help_heading = "When providers fail")]
pub(crate) struct Resilience {
    /// Make a call anew that failed for a reason that passes, so many times at most.
    #[arg(long, value_name = "COUNT")]
    pub(crate) retries: Option<u32>,
    /// Make so many calls in a minute at most; others wait.
    #[arg(long, value_name = "COUNT")]
    pub(crate) requests_per_minute: Option<NonZeroU64>,
    /// Let models read and write so many tokens in a minute at most.
    #[arg(long, value_name = "COUNT")]
    pub(crate) tokens_per_minute: Option<NonZeroU64>,
    /// Let models read so many tokens in a minute at most.
    #[arg(long, value_name = "COUNT")]
    pub(crate) input_tokens_per_minute: Option<NonZeroU64>,
    /// Let models write so many tokens in a minute at most.
    #[arg(long, value_name = "COUNT")]
    pub(crate) output_tokens_per_minute: Option<NonZeroU64>,
    /// Make so many calls at the same time at most.
    #[arg(long, value_name = "COUNT")]
    pub(crate) concurrent_calls: Option<NonZeroUsize>,
    /// Give up when it takes longer to connect: `5s`, `1m`; ten seconds when not said.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) connect_timeout: Option<Duration>,
    /// Give up when the model says nothing for so long after it was asked.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) first_token_timeout: Option<Duration>,
    /// Give up when it says nothing for so long in the middle of an answer.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) between_tokens_timeout: Option<Duration>,
    /// Give up when the answer is not whole after so long.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) total_timeout: Option<Duration>,
    /// Leave a provider alone that failed so many times in a row.
    #[arg(long, value_name = "COUNT")]
    pub(crate) breaker_failures: Option<NonZeroU32>,
    /// Leave it alone for so long: `30s`, which it is when not said.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) breaker_cool_down: Option<Duration>,
    /// Ask this one when the provider cannot answer: `provider`, or `provider:model` for another model; can
    /// be given several times, and takes the place of those of the configuration file.
    #[arg(long = "fallback", value_name = "PROVIDER")]
    pub(crate) fallbacks: Vec<String>,
    /// Give an answer again to the same request, as long as the program runs.
    #[arg(
        long,
        value_name = "YES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub(crate) cache: Option<bool>,
}

impl Resilience {
    /// What is said here, and for the rest `file`.
    pub(crate) fn or(&self, file: &Self) -> Self {
        let fallbacks = if self.fallbacks.is_empty() { &file.fallbacks } else { &self.fallbacks };
        Self {
            retries: self.retries.or(file.retries),
            requests_per_minute: self.requests_per_minute.or(file.requests_per_minute),
            tokens_per_minute: self.tokens_per_minute.or(file.tokens_per_minute),
            input_tokens_per_minute: self.input_tokens_per_minute.or(file.input_tokens_per_minute),
            output_tokens_per_minute: self
                .output_tokens_per_minute
                .or(file.output_tokens_per_minute),
            concurrent_calls: self.concurrent_calls.or(file.concurrent_calls),
            connect_timeout: self.connect_timeout.or(file.connect_timeout),
            first_token_timeout: self.first_token_timeout.or(file.first_token_timeout),
            between_tokens_timeout: self.between_tokens_timeout.or(file.between_tokens_timeout),
            total_timeout: self.total_timeout.or(file.total_timeout),
            breaker_failures: self.breaker_failures.or(file.breaker_failures),
            breaker_cool_down: self.breaker_cool_down.or(file.breaker_cool_down),
            fallbacks: fallbacks.clone(),
            cache: self.cache.or(file.cache),
        }
    }
}
