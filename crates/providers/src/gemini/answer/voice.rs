//! One answer of those that a response holds: its parts, its sources and its end.

use branchwork_core::provider::{Finish, ProviderError, ProviderEvent};

use super::{
    chunk::Candidate,
    finish::{End, end_of},
    sources::Sources,
    speech::Speech,
};
use crate::{
    errors::Reporter,
    gemini::native,
    loose::value_of,
    wire::{Events, finish},
};

/// What one answer said so far.
#[derive(Debug)]
pub(super) struct Voice {
    /// The model that was asked.
    model: String,
    speech: Speech,
    sources: Sources,
    finish: Option<Finish>,
}

impl Voice {
    /// An answer of `model` to a conversation of that many messages.
    pub(super) fn new(model: String, conversation_len: usize) -> Self {
        let speech = Speech::new(model.clone(), conversation_len);
        Self { model, speech, sources: Sources::default(), finish: None }
    }

    /// Whether the server said why it ended.
    pub(super) const fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    /// Takes what a chunk says of it.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Malformed`], and what an end means that is none of an answer.
    pub(super) fn take(
        &mut self,
        candidate: &Candidate<'_>,
        reporter: &Reporter,
        events: &mut Events,
    ) -> Result<(), ProviderError> {
        let content = candidate.content.as_ref().and_then(|content| content.parts.as_deref());
        for part in content.unwrap_or_default() {
            let pushed = self.speech.push(part, events);
            pushed.map_err(|problem| reporter.malformed(problem, part.get().as_bytes()))?;
        }
        let beside = self.take_beside(candidate, events);
        beside.map_err(|problem| reporter.malformed(problem, &[]))?;
        self.take_end(candidate, reporter)
    }

    /// Takes what is told beside the parts. Log probabilities come behind the text that they belong to.
    fn take_beside(
        &mut self,
        candidate: &Candidate<'_>,
        events: &mut Events,
    ) -> Result<(), String> {
        for source in candidate.sources() {
            let bytes = self.sources.push(&source);
            self.speech.count(bytes)?;
        }
        if let Some(logprobs) = candidate.logprobs_result {
            self.speech.count(logprobs.get().len())?;
            events.push_back(ProviderEvent::Logprobs(value_of(logprobs)));
        }
        Ok(())
    }

    fn take_end(
        &mut self,
        candidate: &Candidate<'_>,
        reporter: &Reporter,
    ) -> Result<(), ProviderError> {
        let Some(reason) = candidate.finish_reason.said() else { return Ok(()) };
        let why = || {
            let message = candidate.finish_message.said().unwrap_or("the server says no more");
            format!("the answer ended with {reason}: {message}")
        };
        match end_of(reason) {
            End::Finished(finish) => {
                self.finish = Some(finish);
                Ok(())
            }
            End::Garbled => Err(reporter.malformed(why(), &[])),
            End::Refused => Err(reporter.invalid(&why())),
        }
    }

    /// Ends it.
    pub(super) fn end(&mut self, events: &mut Events) {
        self.speech.end(events);
        if self.speech.has_said() {
            let blocks = self.sources.take().into_iter();
            let blocks = blocks.map(|block| native::native(&self.model, block));
            events.extend(blocks.map(ProviderEvent::Native));
        }
        let finish = finish(self.finish.take(), self.speech.has_calls());
        events.push_back(ProviderEvent::Finished(finish));
    }
}
