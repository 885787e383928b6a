//! One answer of those that a response holds: its texts, thoughts, calls and end.

use std::{mem, sync::Arc};

use branchwork_core::{
    message::Native,
    provider::{Finish, ProviderError, ProviderEvent},
};
use serde_json::{Value, value::RawValue};

use super::{
    calls::Calls,
    chunk::{Choice, Delta},
    kept::Kept,
};
use crate::{
    chat::PROTOCOL,
    errors::Reporter,
    loose::value_of,
    tally::{NAMELESS, Tally},
    wire::{Events, finish},
};

/// What one answer said so far.
#[derive(Debug)]
pub(super) struct Voice {
    calls: Calls,
    tally: Tally,
    finish: Option<Finish>,
    /// What is kept as it comes, put together.
    extras: Kept,
    /// The model that was asked.
    model: Arc<str>,
    /// Whether it was said whose the details of the last thought are.
    has_details: bool,
}

impl Voice {
    /// An answer of `model` to a conversation of that many messages.
    pub(super) fn new(model: Arc<str>, conversation_len: usize) -> Self {
        Self {
            calls: Calls::new(),
            tally: Tally::new(conversation_len),
            finish: None,
            extras: Kept::default(),
            model,
            has_details: false,
        }
    }

    /// Whether the server said why it ended.
    pub(super) const fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    /// Takes what a chunk says of it.
    pub(super) fn take(
        &mut self,
        choice: Choice<'_>,
        reporter: &Reporter,
        events: &mut Events,
    ) -> Result<(), ProviderError> {
        let counted = self.tally.count(choice.bytes());
        counted
            .and_then(|()| self.take_delta(choice.delta, events))
            .map_err(|problem| reporter.malformed(problem, &[]))?;
        if let Some(logprobs) = choice.logprobs {
            events.push_back(ProviderEvent::Logprobs(value_of(logprobs)));
        }
        match choice.finish_reason.said() {
            None => Ok(()),
            Some("error") => Err(reporter.failed_in_stream()),
            Some(reason) => {
                self.finish = Some(finish_of(reason));
                Ok(())
            }
        }
    }

    fn take_delta(&mut self, delta: Delta<'_>, events: &mut Events) -> Result<(), String> {
        // Some servers send one thought under two names.
        let thoughts = [delta.reasoning_content.0, delta.reasoning.0];
        let thought = thoughts.into_iter().find(|thought| !thought.is_empty()).unwrap_or_default();
        let thoughts = [thought.into_owned(), delta.content.thought];
        let texts = [delta.content.text, delta.refusal.0];
        for thought in thoughts.into_iter().filter(|thought| !thought.is_empty()) {
            events.push_back(ProviderEvent::Reasoning(thought));
        }
        let details = delta.reasoning_details.map(items_of).unwrap_or_default();
        if !details.is_empty() && !mem::replace(&mut self.has_details, true) {
            let whose = Native::new(PROTOCOL, &*self.model, Value::Null);
            events.push_back(ProviderEvent::ReasoningDetail(whose.into_detail()));
        }
        events.extend(details.into_iter().map(ProviderEvent::ReasoningDetail));
        // What comes behind something else may be another thought.
        self.has_details &= delta.tool_calls.is_empty() && texts.iter().all(|text| text.is_empty());
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            events.push_back(ProviderEvent::Text(text.into_owned()));
        }
        self.extras.add(delta.extras);
        for call in delta.tool_calls {
            self.calls.push((call, &self.model), &mut self.tally, events)?;
        }
        Ok(())
    }

    /// Tells what comes at its end, and why it ended.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Malformed`] for a call without a name, which cannot be run.
    pub(super) fn end(
        &mut self,
        reporter: &Reporter,
        events: &mut Events,
    ) -> Result<(), ProviderError> {
        if !self.calls.are_named() {
            return Err(reporter.malformed(NAMELESS, &[]));
        }
        if let Some(block) = self.extras.take().map(Value::Object) {
            events.push_back(ProviderEvent::Native(Native::new(PROTOCOL, &*self.model, block)));
        }
        let finish = finish(self.finish.take(), self.tally.has_calls());
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

fn finish_of(reason: &str) -> Finish {
    match reason {
        "stop" | "eos" | "end_turn" | "stop_sequence" => Finish::Stop,
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "tool_calls" | "tool_use" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}
