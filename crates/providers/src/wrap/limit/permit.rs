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
    /// The call was refused, so no tokens were read or written.
    is_refused: bool,
    pause: Option<Duration>,
}

impl Permit {
    pub(super) fn new(shared: Arc<Shared>, taken: Tokens) -> Self {
        let usage = Usage::default();
        Self { shared, taken, usage, bytes: 0, is_refused: false, pause: None }
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
            _ => {}
        }
    }

    /// The call was not accepted.
    pub(super) fn refuse(&mut self, error: &ProviderError) {
        self.is_refused = true;
        self.fail(error);
    }

    /// The call failed.
    pub(super) fn fail(&mut self, error: &ProviderError) {
        if let ProviderError::RateLimited { retry_after, .. } = error {
            self.pause = *retry_after;
        }
    }

    /// Tokens that the call took: as the provider counted them, else as much as is known.
    fn used(&self) -> Tokens {
        if self.is_refused {
            return Tokens::default();
        }
        let written = self.bytes.div_ceil(BYTES_PER_TOKEN);
        Tokens {
            input: self.usage.input_tokens.unwrap_or(self.taken.input),
            output: self.usage.output_tokens.unwrap_or(written),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.end(self.taken, self.used(), self.pause);
    }
}
