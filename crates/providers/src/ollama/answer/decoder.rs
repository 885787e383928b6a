//! The decoder: a machine from frames to events, without I/O.

use std::sync::Arc;

use branchwork_core::{
    message::Native,
    provider::{Finish, ModelRequest, ProviderError, ProviderEvent},
};
use serde_json::{Deserializer, Value, json, value::RawValue};

use super::chunk::{Call, Chunk, Message};
use crate::{
    errors::{Reporter, is_error},
    framing::Frame,
    loose::{arguments_of, text_of, value_of},
    ollama::PROTOCOL,
    tally::Tally,
    wire::{Decode, Events, finish},
};

/// Reads one answer.
#[derive(Debug)]
pub(in crate::ollama) struct Decoder {
    reporter: Arc<Reporter>,
    /// The model that was asked.
    model: String,
    tally: Tally,
    finish: Option<Finish>,
    has_started: bool,
}

impl Decoder {
    /// A decoder of the answer to `request`.
    pub(in crate::ollama) fn new(request: &ModelRequest, reporter: Arc<Reporter>) -> Self {
        Self {
            reporter,
            model: request.config.model.clone().unwrap_or_default(),
            tally: Tally::new(request.messages.len()),
            finish: None,
            has_started: false,
        }
    }

    fn take(
        &mut self,
        chunk: &Chunk<'_>,
        data: &[u8],
        events: &mut Events,
    ) -> Result<(), ProviderError> {
        if is_error(chunk.error) {
            return Err(self.reporter.in_stream(data));
        }
        if !self.has_started && (chunk.message.is_some() || chunk.model.said().is_some()) {
            self.has_started = true;
            let model = chunk.model.said().map(str::to_owned);
            events.push_back(ProviderEvent::Started { model, response_id: None });
        }
        self.take_said(chunk, events).map_err(|problem| self.reporter.malformed(problem, &[]))?;
        if chunk.done == Some(true) {
            events.extend(chunk.usage().map(ProviderEvent::Usage));
            self.finish = Some(finish_of(&chunk.done_reason.0));
        }
        Ok(())
    }

    /// Takes what the model says. Log probabilities come behind the text that they belong to.
    fn take_said(&mut self, chunk: &Chunk<'_>, events: &mut Events) -> Result<(), String> {
        self.tally.count(chunk.bytes())?;
        if let Some(message) = &chunk.message {
            self.take_message(message, events)?;
        }
        let logprobs = chunk.logprobs.map(value_of).filter(|logprobs| *logprobs != Value::Null);
        events.extend(logprobs.map(ProviderEvent::Logprobs));
        Ok(())
    }

    fn take_message(&mut self, message: &Message<'_>, events: &mut Events) -> Result<(), String> {
        if let Some(thought) = message.thinking.said() {
            events.push_back(ProviderEvent::Reasoning(thought.to_owned()));
        }
        if let Some(text) = message.content.said() {
            events.push_back(ProviderEvent::Text(text.to_owned()));
        }
        let images = message.images.as_deref().unwrap_or_default();
        if !images.is_empty() {
            let images: Vec<_> = images.iter().map(|image| value_of(image)).collect();
            let native = Native::new(PROTOCOL, &self.model, json!({ "images": images }));
            events.push_back(ProviderEvent::Native(native));
        }
        for call in message.tool_calls.as_deref().unwrap_or_default() {
            self.take_call(call, events)?;
        }
        Ok(())
    }

    /// A call always comes whole.
    fn take_call(&mut self, call: &Call<'_>, events: &mut Events) -> Result<(), String> {
        let function = call.function.as_ref();
        let name = function.and_then(|function| function.name.said());
        let (index, started) = self.tally.begin_call(call.id.said(), name)?;
        events.push_back(started);
        let text = arguments_of(function.and_then(|function| function.arguments)).into_owned();
        if !text.is_empty() {
            events.push_back(ProviderEvent::CallArguments { index, text });
        }
        Ok(())
    }
}

impl Decode for Decoder {
    fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    /// The line that says why the answer ended is the last one.
    fn is_done(&self) -> bool {
        self.finish.is_some()
    }

    fn decode(&mut self, frame: Frame<'_>, events: &mut Events) -> Result<(), ProviderError> {
        if self.finish.is_some() {
            return Ok(());
        }
        match serde_json::from_str::<Chunk<'_>>(&text_of(frame.data)) {
            Ok(chunk) => self.take(&chunk, frame.data, events),
            Err(error) => Err(self.reporter.malformed(error, frame.data)),
        }
    }

    /// A server that streams though it was asked not to sends one line behind the other.
    fn decode_whole(&mut self, body: &[u8], events: &mut Events) -> Result<(), ProviderError> {
        for line in Deserializer::from_slice(body).into_iter::<&RawValue>() {
            let line = line.map_err(|error| self.reporter.malformed(error, body))?;
            let frame = Frame { data: line.get().as_bytes(), is_error: false };
            self.decode(frame, events)?;
        }
        if !self.has_started {
            return Err(self.reporter.malformed("the answer has no message", body));
        }
        self.end(events)
    }

    fn end(&mut self, events: &mut Events) -> Result<(), ProviderError> {
        let said = self.finish.clone().ok_or(ProviderError::Truncated { source: None })?;
        events.push_back(ProviderEvent::Finished(finish(Some(said), self.tally.has_calls())));
        Ok(())
    }
}

/// Old servers say no reason.
fn finish_of(reason: &str) -> Finish {
    match reason {
        "" | "stop" => Finish::Stop,
        "length" => Finish::Length,
        other => Finish::Other(other.to_owned()),
    }
}
