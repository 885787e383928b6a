//! One answer of those that a response holds: its texts, thoughts, calls and end.

use branchwork_core::provider::{Finish, ProviderError, ProviderEvent};
use serde_json::{Value, value::RawValue};

use super::{
    calls::Calls,
    chunk::{Choice, Delta},
};
use crate::{
    errors::Reporter,
    loose::value_of,
    wire::{Events, finish},
};

/// What one answer said so far.
#[derive(Debug)]
pub(super) struct Voice {
    calls: Calls,
    finish: Option<Finish>,
    /// Bytes of text and thoughts.
    bytes: usize,
}

impl Voice {
    /// An answer to a conversation of that many messages.
    pub(super) const fn new(conversation_len: usize) -> Self {
        Self { calls: Calls::new(conversation_len), finish: None, bytes: 0 }
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
        self.take_delta(choice.delta, reporter, events)?;
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

    fn take_delta(
        &mut self,
        delta: Delta<'_>,
        reporter: &Reporter,
        events: &mut Events,
    ) -> Result<(), ProviderError> {
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
            pushed.map_err(|problem| reporter.malformed(problem, &[]))?;
        }
        reporter.check_len(self.bytes)
    }

    /// Why it ended.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Malformed`] for a call without a name, which cannot be run.
    pub(super) fn end(&mut self, reporter: &Reporter) -> Result<Finish, ProviderError> {
        if !self.calls.are_named() {
            return Err(reporter.malformed("a tool call has no name", &[]));
        }
        Ok(finish(self.finish.take(), !self.calls.is_empty()))
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
