//! The decoder: a machine from frames to events, without I/O.

use std::{borrow::Cow, sync::Arc};

use branchwork_core::{
    limits::MESSAGE_BYTES_MAX,
    provider::{Finish, ProviderError, ProviderEvent},
};
use serde_json::{Value, value::RawValue};

use super::{
    calls::Calls,
    chunk::{Choice, Chunk, Delta},
};
use crate::{
    errors::{Reporter, is_error, says_error},
    framing::Frame,
    wire::{Decode, Events},
};

/// Reads one answer.
#[derive(Debug)]
pub(in crate::chat) struct Decoder {
    reporter: Arc<Reporter>,
    calls: Calls,
    finish: Option<Finish>,
    /// Bytes of text and thoughts so far.
    bytes: usize,
    has_started: bool,
    is_done: bool,
}

impl Decoder {
    /// A decoder of the answer to a conversation of that many messages.
    pub(in crate::chat) const fn new(reporter: Arc<Reporter>, conversation_len: usize) -> Self {
        let calls = Calls::new(conversation_len);
        Self { reporter, calls, finish: None, bytes: 0, has_started: false, is_done: false }
    }

    /// Checks the text once, which is faster than string by string. A server that cuts between
    /// the bytes of a character loses that character: the rest of the text is worth more.
    fn decode_json(&mut self, data: &[u8], events: &mut Events) -> Result<(), ProviderError> {
        let text = match std::str::from_utf8(data) {
            Ok(text) => Cow::Borrowed(text),
            Err(_cut) => String::from_utf8_lossy(data),
        };
        match serde_json::from_str::<Chunk<'_>>(&text) {
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
            self.take_choice(chunk.choice, events)?;
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
        self.has_started = model.is_some() || response_id.is_some() || chunk.choice.is_there;
        if self.has_started {
            events.push_back(ProviderEvent::Started { model, response_id });
        }
    }

    fn take_choice(
        &mut self,
        choice: Choice<'_>,
        events: &mut Events,
    ) -> Result<(), ProviderError> {
        self.take_delta(choice.delta, events)?;
        if let Some(logprobs) = choice.logprobs {
            events.push_back(ProviderEvent::Logprobs(value_of(logprobs)));
        }
        match choice.finish_reason.said() {
            None => Ok(()),
            Some("error") => Err(self.reporter.failed_in_stream()),
            Some(reason) => {
                self.finish = Some(finish_of(reason));
                Ok(())
            }
        }
    }

    fn take_delta(&mut self, delta: Delta<'_>, events: &mut Events) -> Result<(), ProviderError> {
        // Some servers send one thought under two names.
        let thoughts = [delta.reasoning_content.0, delta.reasoning.0];
        let thought = thoughts.into_iter().find(|thought| !thought.is_empty()).unwrap_or_default();
        let thoughts = [thought.into_owned(), delta.content.thought];
        let texts = [delta.content.text, delta.refusal.0];
        for thought in thoughts.into_iter().filter(|thought| !thought.is_empty()) {
            self.bytes += thought.len();
            events.push_back(ProviderEvent::Reasoning(thought));
        }
        for detail in delta.reasoning_details.map(items_of).into_iter().flatten() {
            events.push_back(ProviderEvent::ReasoningDetail(detail));
        }
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            self.bytes += text.len();
            events.push_back(ProviderEvent::Text(text.into_owned()));
        }
        for call in delta.tool_calls {
            self.bytes += call.arguments_len();
            let pushed = self.calls.push(call, |event| events.push_back(event));
            pushed.map_err(|problem| self.reporter.malformed(problem, &[]))?;
        }
        if self.bytes > MESSAGE_BYTES_MAX {
            let problem = format!("the answer is longer than {MESSAGE_BYTES_MAX} bytes");
            return Err(self.reporter.malformed(problem, &[]));
        }
        Ok(())
    }
}

impl Decode for Decoder {
    fn has_finish(&self) -> bool {
        self.finish.is_some()
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
        let is_whole = self.finish.is_some() || (self.is_done && self.has_started);
        if !is_whole {
            return Err(ProviderError::Truncated { source: None });
        }
        if !self.calls.are_named() {
            return Err(self.reporter.malformed("a tool call has no name", &[]));
        }
        let finish = match self.finish.take() {
            // Many servers say `stop`, or nothing, where they ask for tools.
            Some(Finish::Stop) | None if !self.calls.is_empty() => Finish::ToolCalls,
            Some(finish) => finish,
            None => Finish::Other(String::new()),
        };
        events.push_back(ProviderEvent::Finished(finish));
        Ok(())
    }
}

fn items_of(details: &RawValue) -> Vec<Value> {
    match value_of(details) {
        Value::Array(items) => items,
        item => vec![item],
    }
}

fn value_of(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn finish_of(reason: &str) -> Finish {
    match reason {
        "stop" | "eos" | "end_turn" | "stop_sequence" => Finish::Stop,
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "tool_calls" | "tool_use" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}
