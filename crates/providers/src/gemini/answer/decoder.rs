//! The decoder: a machine from frames to events, without I/O.

use std::sync::Arc;

use branchwork_core::provider::{ModelRequest, ProviderError, ProviderEvent, Usage};
use serde_json::value::RawValue;

use super::{
    chunk::{Chunk, Feedback},
    voice::Voice,
};
use crate::{
    errors::{Reporter, is_error},
    framing::Frame,
    loose::text_of,
    wire::{Decode, Events},
};

/// Reads one answer.
#[derive(Debug)]
pub(in crate::gemini) struct Decoder {
    reporter: Arc<Reporter>,
    voice: Voice,
    usage: Usage,
    has_started: bool,
    is_done: bool,
}

impl Decoder {
    /// A decoder of the answer to `request`.
    pub(in crate::gemini) fn new(request: &ModelRequest, reporter: Arc<Reporter>) -> Self {
        let model = request.config.model.clone().unwrap_or_default();
        Self {
            reporter,
            voice: Voice::new(model, request.messages.len()),
            usage: Usage::default(),
            has_started: false,
            is_done: false,
        }
    }

    fn decode_json(&mut self, data: &[u8], events: &mut Events) -> Result<(), ProviderError> {
        match serde_json::from_str::<Chunk<'_>>(&text_of(data)) {
            Ok(chunk) => self.take(chunk, data, events),
            Err(error) => Err(self.reporter.malformed(error, data)),
        }
    }

    fn take(
        &mut self,
        chunk: Chunk<'_>,
        data: &[u8],
        events: &mut Events,
    ) -> Result<(), ProviderError> {
        if is_error(chunk.error) {
            return Err(self.reporter.in_stream(data));
        }
        let candidates = chunk.candidates.unwrap_or_default();
        if !self.has_started && (!candidates.is_empty() || chunk.response_id.said().is_some()) {
            self.has_started = true;
            let model = chunk.model_version.said().map(str::to_owned);
            let response_id = chunk.response_id.said().map(str::to_owned);
            events.push_back(ProviderEvent::Started { model, response_id });
        }
        // Each chunk counts anew what was counted before.
        let usage = chunk.usage_metadata.map(Usage::from).unwrap_or_default();
        if usage != Usage::default() && usage != self.usage {
            self.usage = usage;
            events.push_back(ProviderEvent::Usage(usage));
        }
        if let Some(feedback) = chunk.prompt_feedback {
            self.check(&feedback)?;
        }
        let first = candidates.into_iter().find(|candidate| candidate.index.0.unwrap_or(0) == 0);
        first.map_or(Ok(()), |candidate| self.voice.take(&candidate, &self.reporter, events))
    }

    /// What was asked may be refused by an answer that is none.
    fn check(&self, feedback: &Feedback<'_>) -> Result<(), ProviderError> {
        let Some(reason) = feedback.block_reason.said() else { return Ok(()) };
        let message = feedback.block_reason_message.said().unwrap_or_default();
        let colon = if message.is_empty() { "" } else { ": " };
        Err(self.reporter.invalid(&format!("the prompt was blocked ({reason}){colon}{message}")))
    }
}

impl Decode for Decoder {
    fn has_finish(&self) -> bool {
        self.voice.has_finish()
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    /// There is no end mark; some gateways send that of OpenAI.
    fn decode(&mut self, frame: Frame<'_>, events: &mut Events) -> Result<(), ProviderError> {
        let data = frame.data.trim_ascii();
        if self.is_done || data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        if frame.is_error {
            return Err(self.reporter.in_stream(data));
        }
        self.decode_json(data, events)
    }

    /// A server that does not know `alt=sse` answers with the list of all chunks.
    fn decode_whole(&mut self, body: &[u8], events: &mut Events) -> Result<(), ProviderError> {
        match serde_json::from_slice::<Vec<&RawValue>>(body) {
            Ok(chunks) => {
                for chunk in chunks {
                    self.decode_json(chunk.get().as_bytes(), events)?;
                }
            }
            Err(_one) => self.decode_json(body, events)?,
        }
        self.is_done = true;
        if !self.has_started {
            return Err(self.reporter.malformed("the answer has no candidates", body));
        }
        self.end(events)
    }

    fn end(&mut self, events: &mut Events) -> Result<(), ProviderError> {
        let is_whole = self.has_finish() || (self.is_done && self.has_started);
        if !is_whole {
            return Err(ProviderError::Truncated { source: None });
        }
        self.voice.end(events);
        Ok(())
    }
}
