//! The decoder: a machine from frames to events, without I/O.

use std::{collections::BTreeMap, sync::Arc};

use branchwork_core::provider::{ProviderError, ProviderEvent};

use super::{
    chunk::{Choice, Chunk},
    voice::Voice,
};
use crate::{
    errors::{Reporter, is_error, says_error},
    framing::Frame,
    loose::text_of,
    wire::{Decode, Events, of_choice},
};

/// Reads one answer.
#[derive(Debug)]
pub(in crate::chat) struct Decoder {
    reporter: Arc<Reporter>,
    voice: Voice,
    /// The other answers, when several were asked for.
    others: BTreeMap<u32, Voice>,
    /// The model that was asked.
    model: Arc<str>,
    conversation_len: usize,
    choices: u32,
    has_started: bool,
    is_done: bool,
}

impl Decoder {
    /// A decoder of so many answers of `model` to a conversation of that many messages.
    pub(in crate::chat) fn new(
        reporter: Arc<Reporter>,
        model: &str,
        (conversation_len, choices): (usize, u32),
    ) -> Self {
        let model: Arc<str> = model.into();
        Self {
            reporter,
            voice: Voice::new(Arc::clone(&model), conversation_len),
            others: BTreeMap::new(),
            model,
            conversation_len,
            choices,
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
        if is_error(chunk.error) || (!chunk.has_choices && says_error(data)) {
            return Err(self.reporter.in_stream(data));
        }
        if !chunk.has_choices {
            // Some servers leave the list out of the last chunk, which tells the usage.
            events.extend(chunk.usage.map(|usage| ProviderEvent::Usage((*usage).into())));
            return Ok(());
        }
        if !self.has_started {
            self.start(&chunk, events);
        }
        if chunk.choice.is_there {
            self.voice.take(chunk.choice, &self.reporter, events)?;
        }
        for (number, choice) in chunk.others {
            self.take_other(number, choice, events)?;
        }
        if let Some(usage) = chunk.usage {
            events.push_back(ProviderEvent::Usage((*usage).into()));
        }
        Ok(())
    }

    /// Azure begins with a chunk that says nothing; that is no start.
    fn start(&mut self, chunk: &Chunk<'_>, events: &mut Events) {
        let model = chunk.model.said().map(str::to_owned);
        let response_id = chunk.id.said().map(str::to_owned);
        let says = chunk.choice.is_there || !chunk.others.is_empty();
        self.has_started = says || model.is_some() || response_id.is_some();
        if self.has_started {
            events.push_back(ProviderEvent::Started { model, response_id });
        }
    }

    /// Takes what a chunk says of another answer, when it was asked for.
    fn take_other(
        &mut self,
        number: u32,
        choice: Choice<'_>,
        events: &mut Events,
    ) -> Result<(), ProviderError> {
        if number >= self.choices {
            return Ok(());
        }
        let begin = || Voice::new(Arc::clone(&self.model), self.conversation_len);
        let voice = self.others.entry(number).or_insert_with(begin);
        let mut said = Events::new();
        voice.take(choice, &self.reporter, &mut said)?;
        events.extend(said.into_iter().map(|event| of_choice(number, event)));
        Ok(())
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

    fn decode_whole(&mut self, body: &[u8], events: &mut Events) -> Result<(), ProviderError> {
        self.decode_json(body, events)?;
        self.is_done = true;
        if !self.has_started {
            return Err(self.reporter.malformed("the answer has no choices", body));
        }
        self.end(events)
    }

    fn end(&mut self, events: &mut Events) -> Result<(), ProviderError> {
        let is_whole = self.has_finish() || (self.is_done && self.has_started);
        if !is_whole {
            return Err(ProviderError::Truncated { source: None });
        }
        for (number, voice) in &mut self.others {
            let mut said = Events::new();
            voice.end(&self.reporter, &mut said)?;
            events.extend(said.into_iter().map(|event| of_choice(*number, event)));
        }
        self.voice.end(&self.reporter, events)
    }
}
