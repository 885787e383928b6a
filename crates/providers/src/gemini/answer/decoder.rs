//! The decoder: a machine from frames to events, without I/O.

use std::{collections::BTreeMap, sync::Arc};

use branchwork_core::provider::{ModelRequest, ProviderError, ProviderEvent, Usage};
use serde_json::value::RawValue;

use super::{
    chunk::{Candidate, Chunk, Feedback},
    voice::Voice,
};
use crate::{
    errors::{Reporter, is_error},
    framing::Frame,
    loose::text_of,
    wire::{Decode, Events, of_choice},
};

/// Reads one answer.
#[derive(Debug)]
pub(in crate::gemini) struct Decoder {
    reporter: Arc<Reporter>,
    voice: Voice,
    /// The other answers, when several were asked for.
    others: BTreeMap<u32, Voice>,
    choices: u32,
    /// The model that was asked, and the messages of the conversation.
    asked: (String, usize),
    usage: Usage,
    has_started: bool,
    is_done: bool,
}

impl Decoder {
    /// A decoder of the answer to `request`.
    pub(in crate::gemini) fn new(request: &ModelRequest, reporter: Arc<Reporter>) -> Self {
        let asked = (request.config.model.clone().unwrap_or_default(), request.messages.len());
        Self {
            reporter,
            voice: Voice::new(asked.0.clone(), asked.1),
            others: BTreeMap::new(),
            choices: request.choices,
            asked,
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
        for (place, candidate) in (0..).zip(&candidates) {
            let number = candidate.index.0.unwrap_or(place);
            self.take_candidate(u32::try_from(number).unwrap_or(u32::MAX), candidate, events)?;
        }
        Ok(())
    }

    /// Takes what a chunk says of the answer with that number, when it was asked for.
    fn take_candidate(
        &mut self,
        number: u32,
        candidate: &Candidate<'_>,
        events: &mut Events,
    ) -> Result<(), ProviderError> {
        if number == 0 {
            return self.voice.take(candidate, &self.reporter, events);
        }
        if number >= self.choices {
            return Ok(());
        }
        let (model, len) = &self.asked;
        let voice = self.others.entry(number);
        let voice = voice.or_insert_with(|| Voice::new(model.clone(), *len));
        let mut said = Events::new();
        voice.take(candidate, &self.reporter, &mut said)?;
        events.extend(said.into_iter().map(|event| of_choice(number, event)));
        Ok(())
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
        let begun = self.others.len() + 1;
        self.voice.has_finish()
            && u32::try_from(begun).is_ok_and(|begun| begun >= self.choices)
            && self.others.values().all(Voice::has_finish)
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
        for (number, mut voice) in std::mem::take(&mut self.others) {
            let mut said = Events::new();
            voice.end(&mut said);
            events.extend(said.into_iter().map(|event| of_choice(number, event)));
        }
        self.voice.end(events);
        Ok(())
    }
}
