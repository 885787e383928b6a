//! What differs between servers that speak the OpenAI protocol, as data.
//!
//! A [`Dialect`] says how to talk to a server; a [`Preset`](crate::Preset) is a known server with its
//! dialect.

use branchwork_core::secret::Secret;

/// How a server wants the requests it calls OpenAI-compatible.
///
/// The default is what most servers take.
///
/// ```
/// use branchwork_providers::dialect::{Dialect, TokenLimit};
///
/// let mut dialect = Dialect::default();
/// dialect.token_limit = TokenLimit::MaxCompletionTokens;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Dialect {
    /// What the limit of tokens of an answer is called.
    pub token_limit: TokenLimit,
    /// Whether usage in a stream must be asked for.
    pub stream_usage: StreamUsage,
    /// How the model's earlier thoughts are sent back.
    pub reasoning: ReasoningBack,
    /// In which role system messages are sent.
    pub system_role: SystemRole,
    /// What the seed is called.
    pub seed: SeedName,
    /// Which identifiers of calls it takes.
    pub call_ids: CallIds,
    /// What may follow the results of calls.
    pub after_results: AfterResults,
    /// Whether it takes a JSON Schema for the answer.
    pub schema: SchemaSupport,
    /// In which header it wants the key.
    pub key_header: KeyHeader,
    /// Whether it is told which requests share a beginning.
    pub cache_key: CacheKey,
}

impl Dialect {
    /// What most servers take; the default.
    pub const COMMON: Self = Self {
        token_limit: TokenLimit::MaxTokens,
        stream_usage: StreamUsage::Asked,
        reasoning: ReasoningBack::Never,
        system_role: SystemRole::System,
        seed: SeedName::Seed,
        call_ids: CallIds::Any,
        after_results: AfterResults::Anything,
        schema: SchemaSupport::JsonSchema,
        key_header: KeyHeader::Bearer,
        cache_key: CacheKey::Never,
    };
}

/// What the limit of tokens of an answer is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TokenLimit {
    /// `max_tokens`.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which counts thoughts too.
    MaxCompletionTokens,
}

/// Whether usage in a stream must be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StreamUsage {
    /// With `stream_options`.
    #[default]
    Asked,
    /// It comes by itself, and `stream_options` is refused.
    Unasked,
}

/// How the model's earlier thoughts are sent back with its messages.
///
/// Which of them the model then sees is the server's affair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReasoningBack {
    /// Not at all: servers with strict checks refuse a field they do not know.
    #[default]
    Never,
    /// As `reasoning_content`; also empty where calls were made without a thought, because
    /// DeepSeek refuses its absence.
    ReasoningContent,
    /// As `reasoning`.
    Reasoning,
    /// As `reasoning_details` where the server gave some, else as `reasoning`.
    ReasoningDetails,
}

/// In which role system messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SystemRole {
    /// `system`, which every server knows.
    #[default]
    System,
    /// `developer`.
    Developer,
}

/// What the seed is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SeedName {
    /// `seed`.
    #[default]
    Seed,
    /// `random_seed`.
    RandomSeed,
}

/// Which identifiers of tool calls a server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CallIds {
    /// Any.
    #[default]
    Any,
    /// Forty characters at most; a short one is made from a longer one.
    FortyCharacters,
    /// Nine letters and digits; others are sent as nine digits made from them.
    NineLettersOrDigits,
}

/// What a server takes behind the results of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AfterResults {
    /// An answer, or what the user says next.
    #[default]
    Anything,
    /// An answer: where there is none, as a turn was stopped, a few words stand for it.
    Answer,
}

/// Whether a server takes a JSON Schema for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SchemaSupport {
    /// As `response_format`.
    #[default]
    JsonSchema,
    /// No: a request with one is refused before it is sent.
    Unsupported,
}

/// In which header a server wants the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum KeyHeader {
    /// `authorization`, after the word `Bearer`.
    #[default]
    Bearer,
    /// `api-key`, as Azure wants it.
    ApiKey,
}

impl KeyHeader {
    /// The header that carries `key`.
    pub(crate) fn of(self, key: &Secret) -> (&'static str, Secret) {
        match self {
            Self::Bearer => ("authorization", Secret::new(format!("Bearer {}", key.reveal()))),
            Self::ApiKey => ("api-key", key.clone()),
        }
    }
}

/// Whether a server is told which requests share a beginning, so that they reach the same prompt cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CacheKey {
    /// No: servers with strict checks refuse a field they do not know.
    #[default]
    Never,
    /// With `prompt_cache_key`.
    Sent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_in_the_header_that_the_server_wants() {
        let check = |header: KeyHeader, name: &str, value: &str| {
            let (found, secret) = header.of(&Secret::new("k"));
            assert_eq!((found, secret.reveal()), (name, value));
        };
        check(KeyHeader::Bearer, "authorization", "Bearer k");
        check(KeyHeader::ApiKey, "api-key", "k");
    }
}
