//! What a model said, as the events that say it again.

use std::{sync::Arc, time::Duration};

use branchwork_core::{
    call::ModelCall,
    message::{Body, Message, Native, Part, Status, ToolCall},
    provider::{Finish, ProviderError, ProviderEvent, Retried},
    telemetry::error_type,
};
use serde_json::Value;

/// What a call said, and how it ended.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) events: Vec<ProviderEvent>,
    pub(super) end: End,
}

/// How a call ended.
#[derive(Debug)]
pub(super) enum End {
    /// The model was done: the last event says why.
    Finished,
    /// It failed.
    Failed(ProviderError),
    /// Whoever asked stopped it.
    Stopped,
}

/// What `call` said, whose answer is `answer`, as that was first kept, with the other answers to it. Pieces that
/// came one by one come as one.
pub(super) fn said(answer: &Message, siblings: &[Arc<Message>], call: &ModelCall) -> Said {
    let mut events = Vec::new();
    if call.retries > 0 {
        let problem = "the log does not say why".to_owned();
        let (retries, wait, error_type) = (call.retries, Duration::ZERO, error_type::OTHER);
        let retried = Retried { retries, wait, error_type, problem };
        events.push(ProviderEvent::Retried(retried));
    }
    events.extend(call.rerouted.clone().map(ProviderEvent::Rerouted));
    if call.model.is_some() {
        events.push(ProviderEvent::Started { model: call.model.clone(), response_id: None });
    }
    say_body(&answer.body, &mut events);
    for (choice, sibling) in (1..).zip(siblings) {
        let mut own = Vec::new();
        say_body(&sibling.body, &mut own);
        if sibling.status == Status::Complete {
            own.push(ProviderEvent::Finished(Finish::Stop));
        }
        let event = |event| ProviderEvent::Sibling { choice, event: Box::new(event) };
        events.extend(own.into_iter().map(event));
    }
    events.extend(call.usage.map(ProviderEvent::Usage));
    let end = match (&call.failure, &call.finish) {
        (Some(failure), _) => End::Failed(failure.to_error()),
        (None, Some(finish)) => {
            events.push(ProviderEvent::Finished(Finish::from_name(finish)));
            End::Finished
        }
        (None, None) => End::Stopped,
    };
    Said { events, end }
}

fn say_body(body: &Body, events: &mut Vec<ProviderEvent>) {
    match body {
        Body::Response { parts } => say(parts, &[], events),
        Body::ActionRequest { parts, calls } => say(parts, calls, events),
        _ => {}
    }
}

/// Says parts, with the calls in their places, and then the calls that have none.
fn say(parts: &[Part], calls: &[ToolCall], events: &mut Vec<ProviderEvent>) {
    let mut unplaced: Vec<Option<&ToolCall>> = calls.iter().map(Some).collect();
    for (place, part) in parts.iter().enumerate() {
        let next_thinks = matches!(parts.get(place + 1), Some(Part::Reasoning { .. }));
        match part {
            Part::Text(text) => events.push(ProviderEvent::Text(text.clone())),
            Part::Reasoning { text, detail } => {
                think(text, detail.as_ref(), next_thinks, events);
            }
            Part::Native(native) => events.push(ProviderEvent::Native(native.clone())),
            Part::Call(index) => {
                let call = unplaced.get_mut(*index as usize).and_then(Option::take);
                if let Some(call) = call {
                    ask(*index, call, events);
                }
            }
            // No model says any other.
            _ => {}
        }
    }
    let unplaced = (0..).zip(unplaced).filter_map(|(index, call)| Some((index, call?)));
    for (index, call) in unplaced {
        ask(index, call, events);
    }
}

fn ask(index: u32, call: &ToolCall, events: &mut Vec<ProviderEvent>) {
    let (id, function) = (call.id.to_string(), call.function.clone());
    events.push(ProviderEvent::CallStarted { index, id, function });
    events.push(ProviderEvent::CallArguments { index, text: call.arguments.clone() });
}

/// Says one block of thought, and that it is whole when another one follows.
fn think(text: &str, detail: Option<&Value>, next_thinks: bool, events: &mut Vec<ProviderEvent>) {
    events.push(ProviderEvent::Reasoning(text.to_owned()));
    let native = detail.and_then(native);
    match detail {
        Some(Value::Array(details)) => {
            events.extend(details.iter().cloned().map(ProviderEvent::ReasoningDetail));
        }
        Some(detail) if native.is_none() => {
            events.push(ProviderEvent::ReasoningDetail(detail.clone()));
        }
        _ => {}
    }
    if native.is_some() || next_thinks {
        events.push(ProviderEvent::ReasoningEnded { native });
    }
}

/// The block of its provider that goes with a thought, when `detail` is one.
fn native(detail: &Value) -> Option<Native> {
    let protocol = detail.get("protocol")?.as_str()?;
    let (model, block) = Native::in_detail(detail, protocol)?;
    Some(Native::new(protocol, model, block.clone()))
}

#[cfg(test)]
mod tests;
