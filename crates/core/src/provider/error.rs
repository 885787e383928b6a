//! Why a provider failed, named by what the caller can do about it.

use std::{error::Error as StdError, time::Duration};

use crate::telemetry::error_type;

type Source = Box<dyn StdError + Send + Sync>;

/// Why a call of a provider failed.
///
/// `Display` never holds a key, a prompt or a body. What the server said about it is in
/// [`detail`](Self::detail), shortened and with the key taken out, for a person to read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The key is missing, wrong, or not allowed to do this.
    #[error("the provider refused the credentials")]
    Auth {
        /// The HTTP status, when one came.
        status: Option<u16>,
        /// What the server said.
        detail: String,
    },
    /// The request is wrong and will stay wrong.
    #[error("the provider refused the request")]
    InvalidRequest {
        /// The HTTP status, when one came.
        status: Option<u16>,
        /// What the server said, or what we found.
        detail: String,
    },
    /// The conversation does not fit into the model.
    #[error("the conversation is longer than the model can read")]
    TooLong {
        /// What the server said.
        detail: String,
    },
    /// Too many requests or tokens in a while.
    #[error("the provider limits the rate of calls")]
    RateLimited {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// What the server said.
        detail: String,
    },
    /// The provider is down, overloaded or not to be reached now.
    #[error("the provider is unavailable")]
    Unavailable {
        /// The HTTP status, when one came.
        status: Option<u16>,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// What the server or the network said.
        detail: String,
        /// The failure of the transport, when there was one.
        #[source]
        source: Option<Source>,
    },
    /// The answer ended before its end mark: what came is a part.
    #[error("the answer was cut off")]
    Truncated {
        /// The failure of the transport, when there was one.
        #[source]
        source: Option<Source>,
    },
    /// The server sent what its protocol does not allow.
    #[error("the provider sent a malformed answer")]
    Malformed {
        /// What was wrong.
        detail: String,
    },
}

/// What a caller can do about a [`ProviderError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Ask again, after this long when it is said.
    Retry(Option<Duration>),
    /// Change the request.
    FixInput,
    /// Shorten the conversation.
    Shorten,
    /// Give another key.
    Authenticate,
}

impl ProviderError {
    /// What the caller can do.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Auth { .. } => Remedy::Authenticate,
            Self::InvalidRequest { .. } => Remedy::FixInput,
            Self::TooLong { .. } => Remedy::Shorten,
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Remedy::Retry(*retry_after)
            }
            Self::Truncated { .. } | Self::Malformed { .. } => Remedy::Retry(None),
        }
    }

    /// Its class, as observers are told of it: one of
    /// [`ERROR_TYPES`](crate::telemetry::ERROR_TYPES).
    pub const fn error_type(&self) -> &'static str {
        match self {
            Self::Auth { .. } => error_type::AUTH,
            Self::InvalidRequest { .. } => error_type::INVALID_REQUEST,
            Self::TooLong { .. } => error_type::TOO_LONG,
            Self::RateLimited { .. } => error_type::RATE_LIMITED,
            Self::Unavailable { .. } => error_type::UNAVAILABLE,
            Self::Truncated { .. } => error_type::TRUNCATED,
            Self::Malformed { .. } => error_type::MALFORMED,
        }
    }

    /// Whether the same call may succeed later with no change by the caller.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.remedy(), Remedy::Retry(_))
    }

    /// How long the server asks to wait before the next call.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.remedy() {
            Remedy::Retry(wait) => wait,
            _ => None,
        }
    }

    /// What the server said about it, for a person; may be empty. Holds no key.
    pub fn detail(&self) -> &str {
        match self {
            Self::Auth { detail, .. }
            | Self::InvalidRequest { detail, .. }
            | Self::TooLong { detail }
            | Self::RateLimited { detail, .. }
            | Self::Unavailable { detail, .. }
            | Self::Malformed { detail } => detail,
            Self::Truncated { .. } => "",
        }
    }
}
