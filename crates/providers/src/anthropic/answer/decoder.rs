//! The decoder: a machine from frames to events, without I/O.

use std::sync::Arc;

use branchwork_core::provider::{Finish, ModelRequest, ProviderError, ProviderEvent};

use super::{
    blocks::Blocks,
    event::{Event, Head, Kind, Whole},
    usage::WireUsage,
};
use crate::{
    errors::{Reporter, is_error, says_error},
    framing::Frame,
    loose::text_of,
    wire::{Decode, Events, finish},
};

/// Reads one answer.
#[derive(Debug)]
pub(in crate::anthropic) struct Decoder {
    reporter: Arc<Reporter>,
    blocks: Blocks,
    usage: WireUsage,
    finish: Option<Finish>,
    is_done: bool,
}

impl Decoder {
    /// A decoder of the answer to `request`.
    pub(in crate::anthropic) fn new(reporter: Arc<Reporter>, request: &ModelRequest) -> Self {
        let model = request.config.model.as_deref().unwrap_or_default();
        let blocks = Blocks::new(model, request.messages.len());
        let usage = WireUsage::default();
        Self { reporter, blocks, usage, finish: None, is_done: false }
    }

    fn take(
        &mut self,
        event: Event<'_>,
        json: &str,
        events: &mut Events,
    ) -> Result<(), ProviderError> {
        if is_error(event.error) || event.kind.0 == "error" {
            return Err(self.reporter.in_stream(json.as_bytes()));
        }
        let index = event.index.0.unwrap_or_default();
        match (event.kind.0.as_ref(), event.delta, event.content_block) {
            ("content_block_delta", Some(delta), _) => {
                self.count(json.len())?;
                self.blocks.push(index, delta, json, events);
            }
            ("content_block_start", _, Some(block)) => {
                self.count(json.len())?;
                let begun = self.blocks.begin(index, block, events);
                begun.map_err(|problem| self.reporter.malformed(problem, json.as_bytes()))?;
            }
            ("content_block_stop", ..) => self.blocks.end(index, events),
            ("message_start", ..) => event.message.into_iter().for_each(|head| {
                self.start(&head, events);
            }),
            ("message_delta", Some(delta), _) => {
                self.finish = delta.stop_reason.said().map(finish_of).or(self.finish.take());
                self.take_usage(event.usage, events);
            }
            ("message_stop", ..) => self.is_done = true,
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, head: &Head<'_>, events: &mut Events) {
        let model = head.model.said().map(str::to_owned);
        let response_id = head.id.said().map(str::to_owned);
        events.push_back(ProviderEvent::Started { model, response_id });
        self.take_usage(head.usage, events);
    }

    fn take_usage(&mut self, usage: Option<WireUsage>, events: &mut Events) {
        if let Some(usage) = usage {
            self.usage = usage.behind(self.usage);
            events.push_back(ProviderEvent::Usage(self.usage.into()));
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), ProviderError> {
        self.blocks.count(bytes).map_err(|problem| self.reporter.malformed(problem, &[]))
    }

    fn take_whole(&mut self, json: &str, events: &mut Events) -> Result<(), ProviderError> {
        let malformed = |problem: &str| self.reporter.malformed(problem, json.as_bytes());
        let whole: Whole<'_> =
            serde_json::from_str(json).map_err(|error| malformed(&error.to_string()))?;
        if is_error(whole.error) || (whole.content.is_none() && says_error(json.as_bytes())) {
            return Err(self.reporter.in_stream(json.as_bytes()));
        }
        let content = whole.content.ok_or_else(|| malformed("the answer has no content"))?;
        self.start(&Head { id: whole.id, model: whole.model, usage: None }, events);
        for (block, index) in content.into_iter().zip(0..) {
            self.count(block.get().len())?;
            let begun = self.blocks.begin(index, block, events);
            begun.map_err(|problem| self.reporter.malformed(problem, json.as_bytes()))?;
            self.blocks.end(index, events);
        }
        self.take_usage(whole.usage, events);
        self.finish = whole.stop_reason.said().map(finish_of);
        self.is_done = true;
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
        if frame.is_error {
            return Err(self.reporter.in_stream(data));
        }
        let json = text_of(data);
        match serde_json::from_str::<Event<'_>>(&json) {
            Ok(event) => self.take(event, &json, events),
            Err(error) => match serde_json::from_str::<Kind<'_>>(&json) {
                Ok(kind) if !kind.is_known() => Ok(()),
                _ => Err(self.reporter.malformed(error, data)),
            },
        }
    }

    fn decode_whole(&mut self, body: &[u8], events: &mut Events) -> Result<(), ProviderError> {
        self.take_whole(&text_of(body), events)?;
        self.end(events)
    }

    fn end(&mut self, events: &mut Events) -> Result<(), ProviderError> {
        if self.finish.is_none() && !self.is_done {
            return Err(ProviderError::Truncated { source: None });
        }
        self.blocks.end_all(events);
        let finish = finish(self.finish.take(), self.blocks.has_calls());
        events.push_back(ProviderEvent::Finished(finish));
        Ok(())
    }
}

fn finish_of(reason: &str) -> Finish {
    match reason {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}
