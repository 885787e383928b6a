//! Putting an answer together from the events of a provider.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    limits::JSON_DEPTH_MAX,
    message::{Body, CallId, Native, Part, ToolCall, depth_within},
    provider::{Finish, ProviderEvent, Usage},
};

/// What a model said so far.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// A [`Part::Call`] has the number that the provider gave the call.
    parts: Vec<Part>,
    /// By place in the answer.
    calls: BTreeMap<u32, ToolCall>,
    /// Calls that have no place among the parts: nothing was said since they began.
    unplaced: Vec<u32>,
    /// Whether more reasoning begins another block.
    thought_ended: bool,
    model: Option<String>,
    logprobs: Vec<Value>,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

impl Answer {
    /// Takes the next event.
    pub fn push(&mut self, event: ProviderEvent) {
        match event {
            ProviderEvent::Started { model, .. } => self.model = model.or(self.model.take()),
            ProviderEvent::Text(more) => self.push_text(more),
            ProviderEvent::Reasoning(more) => self.push_reasoning(&more),
            ProviderEvent::ReasoningDetail(more) => self.push_detail(readable(more)),
            ProviderEvent::ReasoningEnded { native } => {
                self.end_thought(native.map(readable_block));
            }
            ProviderEvent::Native(native) => self.push_part(Part::Native(readable_block(native))),
            ProviderEvent::CallStarted { index, id, function } => {
                self.calls.entry(index).or_insert_with(|| {
                    self.unplaced.push(index);
                    ToolCall { id: CallId::new(id), function, arguments: String::new() }
                });
            }
            ProviderEvent::CallArguments { index, text } => {
                if let Some(call) = self.calls.get_mut(&index) {
                    call.arguments.push_str(&text);
                }
            }
            ProviderEvent::Logprobs(value) => self.logprobs.push(value),
            ProviderEvent::Usage(usage) => self.usage = Some(usage),
            // What the others say, and who answers, is heard elsewhere.
            ProviderEvent::Sibling { .. } | ProviderEvent::Rerouted(_) => {}
            ProviderEvent::Retried(_) => *self = Self::default(),
            ProviderEvent::Finished(finish) => self.finish = Some(finish),
        }
    }

    /// Whether nothing was said that a reader could use.
    pub fn is_empty(&self) -> bool {
        let says = |part: &Part| !matches!(part, Part::Text(text) if text.is_empty());
        let thinks = |part: &Part| matches!(part, Part::Reasoning { .. });
        self.calls.is_empty() && !self.parts.iter().any(|part| says(part) && !thinks(part))
    }

    /// Whether it asks for calls.
    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// The body of the message it makes: a response, or a request when it holds calls.
    pub fn body(&self) -> Body {
        let mut parts = self.parts.clone();
        if !self.has_calls() {
            return Body::Response { parts };
        }
        let mut calls: Vec<_> = self.calls.values().cloned().collect();
        for part in &mut parts {
            if let Part::Call(place) = part {
                *place = self.calls.range(..*place).map(|_| 1).sum();
            }
        }
        make_distinct(&mut calls);
        Body::ActionRequest { parts, calls }
    }

    /// The model that answered, as the server names it.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Tokens of the call, when the provider counted them.
    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Log probabilities, in the provider's words and pieces.
    pub fn logprobs(&self) -> &[Value] {
        &self.logprobs
    }

    /// Why the model stopped.
    pub const fn finish(&self) -> Option<&Finish> {
        self.finish.as_ref()
    }

    fn push_text(&mut self, more: String) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) if self.unplaced.is_empty() => text.push_str(&more),
            _ => self.push_part(Part::Text(more)),
        }
    }

    fn push_reasoning(&mut self, more: &str) {
        match self.parts.last_mut() {
            Some(Part::Reasoning { text, .. })
                if !self.thought_ended && self.unplaced.is_empty() =>
            {
                text.push_str(more);
            }
            _ => self.push_part(Part::Reasoning { text: more.to_owned(), detail: None }),
        }
    }

    /// Puts `part` behind all that was said, calls included.
    fn push_part(&mut self, part: Part) {
        self.parts.extend(self.unplaced.drain(..).map(Part::Call));
        self.thought_ended = false;
        self.parts.push(part);
    }

    /// Ends the thought that was said last; without one, it is a hidden one.
    fn end_thought(&mut self, native: Option<Native>) {
        if !matches!(self.parts.last(), Some(Part::Reasoning { .. })) || self.thought_ended {
            self.push_part(Part::Reasoning { text: String::new(), detail: None });
        }
        if let (Some(Part::Reasoning { detail, .. }), Some(native)) =
            (self.parts.last_mut(), native)
        {
            *detail = Some(native.into_detail());
        }
        self.thought_ended = true;
    }

    /// Details belong to the last thought; several make an array.
    fn push_detail(&mut self, more: Value) {
        let is_reasoning = |part: &&mut Part| matches!(part, Part::Reasoning { .. });
        if let Some(Part::Reasoning { detail, .. }) = self.parts.iter_mut().rev().find(is_reasoning)
        {
            *detail = Some(match detail.take() {
                Some(Value::Array(mut details)) => {
                    details.push(more);
                    Value::Array(details)
                }
                Some(first) => Value::Array(vec![first, more]),
                None => Value::Array(vec![more]),
            });
        } else {
            let detail = Some(Value::Array(vec![more]));
            self.push_part(Part::Reasoning { text: String::new(), detail });
        }
    }
}

/// `value`, or nothing where it is nested deeper than what is stored can be read.
fn readable(value: Value) -> Value {
    if depth_within(&value, JSON_DEPTH_MAX) { value } else { Value::Null }
}

fn readable_block(native: Native) -> Native {
    Native { block: readable(native.block), ..native }
}

/// Gives calls that share an identifier, or have none, one of their own: results are paired by it.
fn make_distinct(calls: &mut [ToolCall]) {
    let came: BTreeSet<CallId> = calls.iter().map(|call| call.id.clone()).collect();
    let mut seen = BTreeSet::new();
    for (index, call) in calls.iter_mut().enumerate() {
        if call.id.as_str().is_empty() || !seen.insert(call.id.clone()) {
            let stem = call.id.clone();
            let mut names = (index..).map(|number| CallId::new(format!("{stem}#{number}")));
            // What is made must not be an identifier that came, either.
            call.id =
                names.find(|name| !came.contains(name) && !seen.contains(name)).unwrap_or(stem);
            seen.insert(call.id.clone());
        }
    }
}
