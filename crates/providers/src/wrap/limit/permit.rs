//! A call that was let through, and what it takes.

use std::{sync::Arc, time::Duration};

use branchwork_core::provider::{ProviderError, ProviderEvent, Usage};

use super::limiter::{Shared, Tokens};

/// Bytes of an answer that are counted as one token, where its provider counts none.
const BYTES_PER_TOKEN: u64 = 4;

/// The right to make one call. Dropping it ends the call, and counts what is known of it.
#[derive(Debug)]
pub(super) struct Permit {
    shared: Arc<Shared>,
    taken: Tokens,
    usage: Usage,
    /// Bytes of the answer that came.
    bytes: u64,
    fate: Fate,
    pause: Option<Duration>,
}

/// What became of a call, as far as its provider counts by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was answered, or is dropped before its end.
    Answered,
    /// It was refused, so no tokens were read or written.
    Refused,
    /// Nobody knows what the provider read, wrote and counted of it.
    Unknown,
}

impl Permit {
    pub(super) fn new(shared: Arc<Shared>, taken: Tokens) -> Self {
        let usage = Usage::default();
        Self { shared, taken, usage, bytes: 0, fate: Fate::Answered, pause: None }
    }

    /// Notes what the provider says.
    pub(super) fn hear(&mut self, event: &ProviderEvent) {
        match event {
            ProviderEvent::Usage(usage) => self.usage = *usage,
            ProviderEvent::Text(text)
            | ProviderEvent::Reasoning(text)
            | ProviderEvent::CallArguments { text, .. } => {
                self.bytes = self.bytes.saturating_add(text.len() as u64);
            }
            ProviderEvent::Sibling { event, .. } => self.hear(event),
            _ => {}
        }
    }

    /// The call was not accepted.
    pub(super) fn refuse(&mut self, error: &ProviderError) {
        self.fate = Fate::Refused;
        self.fail(error);
    }

    /// The call failed.
    pub(super) fn fail(&mut self, error: &ProviderError) {
        if let ProviderError::RateLimited { retry_after, .. } = error {
            self.pause = *retry_after;
        }
        if may_be_counted(error) {
            self.fate = Fate::Unknown;
        }
    }

    /// Tokens that the call took: as the provider counted them, else as much as is known.
    fn used(&self) -> Tokens {
        let written = self.bytes.div_ceil(BYTES_PER_TOKEN);
        let known = Tokens {
            input: self.usage.input_tokens.unwrap_or(self.taken.input),
            output: self.usage.output_tokens.unwrap_or(written),
        };
        match self.fate {
            Fate::Answered => known,
            Fate::Refused => Tokens::default(),
            Fate::Unknown => Tokens { output: known.output.max(self.taken.output), ..known },
        }
    }
}

/// Whether the provider may have answered, and counted, a call that ended so: the answer was lost, or could
/// not be read.
const fn may_be_counted(error: &ProviderError) -> bool {
    matches!(
        error,
        ProviderError::Truncated { .. }
            | ProviderError::Malformed { .. }
            | ProviderError::Unavailable { status: None, .. }
    )
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.end(self.taken, self.used(), self.pause);
    }
}
