//! The call log: what is kept of each call of a model.
//!
//! A call is known by its answer: the message that the model gave, or the empty one that stands for
//! a failure. What it read is not kept again: the op it was rendered from and what held for the call
//! only say it, and a hash of the exact bytes proves it.

use std::{fmt, time::Duration};

use crate::{
    clock::Timestamp,
    config::{Config, ConfigPatch},
    id::{BranchId, MessageId, OpId, SessionId},
    provider::{Adapted, ProviderError, Rerouted, ToolChoice, ToolSpec, Usage},
};

/// What is kept of one call of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCall {
    /// What was asked.
    pub request: CallRequest,
    /// Who was asked in the end, where that is another provider than the one that should have been.
    pub rerouted: Option<Rerouted>,
    /// The model that answered, as the server names it.
    pub model: Option<String>,
    /// Why it stopped; `None` when it was stopped or failed.
    pub finish: Option<String>,
    /// Tokens, as the provider counted them.
    pub usage: Option<Usage>,
    /// What it cost in US dollars; `None` when the price is not known, never 0 instead.
    pub cost_usd: Option<f64>,
    /// How long it took.
    pub timings: Timings,
    /// How often it was tried again before this came.
    pub retries: u32,
    /// Why it failed; `None` when it did not.
    pub failure: Option<CallFailure>,
}

impl ModelCall {
    /// The provider and the model that were asked in the end, and are paid.
    pub fn billed(&self) -> (&str, &str) {
        match &self.rerouted {
            Some(Rerouted { provider, model }) => (provider, model),
            None => (&self.request.provider, &self.request.model),
        }
    }
}

/// What a model was asked: enough to render the same bytes again.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRequest {
    /// The op whose view was rendered.
    pub head: Option<OpId>,
    /// The messages of the view that were shown, when not all were.
    pub shown: Option<Vec<MessageId>>,
    /// How many results of tools were shown, the last ones, when not all were.
    pub results_kept: Option<u32>,
    /// The provider, by the name it was registered under.
    pub provider: String,
    /// The model that was asked for.
    pub model: String,
    /// What held for this call only; `None` when nothing did. Boxed, as it is rare and large.
    pub config: Option<Box<ConfigPatch>>,
    /// The tools on offer.
    pub tools: Vec<ToolSpec>,
    /// Whether they may, must or must not be called.
    pub tool_choice: ToolChoice,
    /// Whether the answer should come as it was made.
    pub stream: bool,
    /// How many answers were asked for.
    pub choices: u32,
    /// SHA-256 of the rendered body.
    pub hash: RequestHash,
    /// What was sent otherwise than it is kept.
    pub adapted: Adapted,
}

impl CallRequest {
    /// The configuration that it was made with, where `own` is that of the view that was rendered.
    pub fn config_of(&self, own: &Config) -> Config {
        self.config.as_ref().map_or_else(|| own.clone(), |patch| own.patched(patch))
    }
}

/// SHA-256 of the bytes that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestHash(pub [u8; 32]);

impl RequestHash {
    /// Parses 64 hexadecimal digits; `None` when `text` is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != hash.len() || !rest.is_empty() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for RequestHash {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How long a call took, in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timings {
    /// From the wish to the call: waiting for the branch, writing the instruction.
    pub queued: Duration,
    /// From the call to the first thing the model said; `None` when it said nothing.
    pub first: Option<Duration>,
    /// From the call to its end.
    pub total: Duration,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// What happened: the error without its causes.
    pub problem: String,
    /// What the server said, shortened; holds no key.
    pub detail: String,
}

impl CallFailure {
    /// The error that is kept so, as far as it is: without the status, the wait and the causes.
    pub fn to_error(&self) -> ProviderError {
        let detail = || self.detail.clone();
        let (status, retry_after) = (None, None);
        let kinds = [
            ProviderError::Auth { status, detail: detail() },
            ProviderError::InvalidRequest { status, detail: detail() },
            ProviderError::TooLong { detail: detail() },
            ProviderError::RateLimited { retry_after, detail: detail() },
            ProviderError::Unavailable { status, retry_after, detail: detail(), source: None },
            ProviderError::Truncated { source: None },
            ProviderError::Malformed { detail: detail() },
        ];
        // The words that are kept are those that the error says of itself.
        let kept = kinds.into_iter().find(|error| error.to_string() == self.problem);
        kept.unwrap_or_else(|| {
            let detail = format!("{}: {}", self.problem, self.detail);
            ProviderError::Unavailable { status, retry_after, detail, source: None }
        })
    }
}

/// A call that is kept, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRecord {
    /// Its answer.
    pub answer: MessageId,
    /// The session.
    pub session: SessionId,
    /// The branch that appended the answer: who is billed.
    pub branch: BranchId,
    /// When the answer was appended.
    pub at: Timestamp,
    /// The call.
    pub call: ModelCall,
}

impl CallRecord {
    /// When it was made: the prices of that moment are what it cost.
    pub fn asked_at(&self) -> Timestamp {
        let total = i64::try_from(self.call.timings.total.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.at.as_micros().saturating_sub(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(error: &ProviderError) -> CallFailure {
        CallFailure { problem: error.to_string(), detail: error.detail().to_owned() }
    }

    #[test]
    fn an_error_that_is_kept_is_the_same_when_it_is_kept_again() {
        let detail = || "what the server said".to_owned();
        let errors = [
            ProviderError::Auth { status: Some(401), detail: detail() },
            ProviderError::InvalidRequest { status: Some(400), detail: detail() },
            ProviderError::TooLong { detail: detail() },
            ProviderError::RateLimited { retry_after: Some(Duration::ZERO), detail: detail() },
            ProviderError::Unavailable {
                status: Some(503),
                retry_after: None,
                detail: detail(),
                source: None,
            },
            ProviderError::Truncated { source: None },
            ProviderError::Malformed { detail: detail() },
        ];
        for error in errors {
            let failure = kept(&error);
            let again = failure.to_error();
            assert_eq!(kept(&again), failure);
            assert_eq!(std::mem::discriminant(&again), std::mem::discriminant(&error));
        }
        let unknown = CallFailure { problem: "odd".to_owned(), detail: "very".to_owned() };
        assert_eq!(unknown.to_error().detail(), "odd: very");
    }
}
