//! Messages, tools and results in the form that the conventions have for them.

use std::sync::Arc;

use branchwork_core::{
    message::{Body, FileSource, Message, Outcome, Part, Role, ToolCall},
    provider::{Finish, ToolSpec},
    turn::Answer,
};
use serde_json::{Value, json};

/// What a model is shown, without system messages.
pub(super) fn messages(messages: &[Arc<Message>]) -> Value {
    messages
        .iter()
        .filter(|message| message.role() != Role::System)
        .map(|said| message(said))
        .collect()
}

/// The system messages, when there are any.
pub(super) fn instructions(messages: &[Arc<Message>]) -> Option<Value> {
    let texts = messages.iter().filter_map(|message| match &message.body {
        Body::System { text } => Some(said(text)),
        _ => None,
    });
    let texts: Vec<Value> = texts.collect();
    (!texts.is_empty()).then(|| texts.into())
}

/// The tools on offer, when there are any.
pub(super) fn tools(tools: &[ToolSpec]) -> Option<Value> {
    let define = |tool: &ToolSpec| {
        let ToolSpec { name, description, parameters } = tool;
        json!({
            "type": "function",
            "name": name,
            "description": description,
            "parameters": parameters,
        })
    };
    (!tools.is_empty()).then(|| tools.iter().map(define).collect())
}

/// What a model answered, each of its answers. What was cut off ended with an error.
pub(super) fn answers<'a>(all: impl Iterator<Item = &'a Answer>) -> Value {
    all.map(answer).collect()
}

fn answer(answer: &Answer) -> Value {
    let reason = match answer.finish().map(Finish::as_str) {
        Some("tool_calls") => "tool_call",
        Some(reason) => reason,
        None => "error",
    };
    let parts = parts_of(&answer.body());
    json!({ "role": Role::Assistant.as_str(), "parts": parts, "finish_reason": reason })
}

/// The arguments of a call: JSON when they are, else the text.
pub(super) fn arguments(call: &ToolCall) -> Value {
    serde_json::from_str(&call.arguments).unwrap_or_else(|_no_json| call.arguments.as_str().into())
}

/// What came of a call.
pub(super) fn result(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Succeeded(value) => value.clone(),
        other => other.text().into(),
    }
}

fn message(message: &Message) -> Value {
    let role = message.role().as_str();
    let mut said = json!({ "role": role, "parts": parts_of(&message.body) });
    if message.sender != role
        && let Some(said) = said.as_object_mut()
    {
        said.insert("name".to_owned(), message.sender.as_str().into());
    }
    said
}

fn parts_of(body: &Body) -> Vec<Value> {
    match body {
        Body::System { text } => vec![said(text)],
        Body::Instruction { parts, context } => {
            let context = context.iter().map(|context| said(&context.to_string()));
            parts.iter().filter_map(part).chain(context).collect()
        }
        Body::Response { parts } => parts.iter().filter_map(part).collect(),
        Body::ActionRequest { parts, calls } => with_calls(parts, calls),
        Body::ActionResponse { call, outcome, .. } => vec![json!({
            "type": "tool_call_response",
            "id": call.as_str(),
            "response": result(outcome),
        })],
        _ => Vec::new(),
    }
}

/// Parts of an answer, with its calls where they were made; those without a place come last.
fn with_calls(parts: &[Part], calls: &[ToolCall]) -> Vec<Value> {
    let mut unplaced: Vec<Option<&ToolCall>> = calls.iter().map(Some).collect();
    let mut all = Vec::new();
    for one in parts {
        match one {
            Part::Call(place) => {
                let place = usize::try_from(*place).ok();
                let call = place.and_then(|place| unplaced.get_mut(place)).and_then(Option::take);
                all.extend(call.map(call_part));
            }
            other => all.extend(part(other)),
        }
    }
    all.extend(unplaced.into_iter().flatten().map(call_part));
    all
}

fn call_part(call: &ToolCall) -> Value {
    let (id, name, arguments) = (call.id.as_str(), call.function.as_str(), arguments(call));
    json!({ "type": "tool_call", "id": id, "name": name, "arguments": arguments })
}

/// A part that is no call.
fn part(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text(text) => said(text),
        Part::Reasoning { text, .. } => json!({ "type": "reasoning", "content": text }),
        Part::Image { url, .. } => attached("image", url),
        Part::Audio { url } => attached("audio", url),
        Part::File { source: FileSource::Url(url), .. } => attached("document", url),
        Part::File { source: FileSource::Id(id), .. } => {
            json!({ "type": "file", "modality": "document", "file_id": id })
        }
        Part::Data(value) => said(&value.to_string()),
        Part::Native(native) => json!({ "type": native.protocol, "block": native.block }),
        _ => return None,
    })
}

fn said(text: &str) -> Value {
    json!({ "type": "text", "content": text })
}

/// What is attached: its content when the URL holds that, else the URL.
fn attached(modality: &str, url: &str) -> Value {
    let held = url.strip_prefix("data:").and_then(|held| held.split_once(";base64,"));
    match held {
        Some((mime_type, content)) => json!({
            "type": "blob",
            "modality": modality,
            "mime_type": mime_type,
            "content": content,
        }),
        None => json!({ "type": "uri", "modality": modality, "uri": url }),
    }
}

#[cfg(test)]
mod tests {
    use branchwork_core::message::{CallId, Native};

    use super::*;

    fn call(id: &str, arguments: &str) -> ToolCall {
        let (id, function) = (CallId::new(id), "look".to_owned());
        ToolCall { id, function, arguments: arguments.to_owned() }
    }

    #[test]
    fn every_part_has_a_form() {
        let parts = vec![
            Part::text("Hi"),
            Part::Reasoning { text: "Hm".to_owned(), detail: Some(json!("signature")) },
            Part::Image { url: "data:image/png;base64,AAAA".to_owned(), detail: None },
            Part::Image { url: "https://host/a.png".to_owned(), detail: None },
            Part::Audio { url: "data:audio/wav;base64,BBBB".to_owned() },
            Part::File { name: None, source: FileSource::Id("file-1".to_owned()) },
            Part::Data(json!({ "a": 1 })),
            Part::Native(Native::new("anthropic", "opus", json!({ "type": "search" }))),
        ];
        let expected = json!([
            { "type": "text", "content": "Hi" },
            { "type": "reasoning", "content": "Hm" },
            { "type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA" },
            { "type": "uri", "modality": "image", "uri": "https://host/a.png" },
            { "type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "BBBB" },
            { "type": "file", "modality": "document", "file_id": "file-1" },
            { "type": "text", "content": "{\"a\":1}" },
            { "type": "anthropic", "block": { "type": "search" } },
        ]);
        assert_eq!(Value::from(parts_of(&Body::Response { parts })), expected);
    }

    #[test]
    fn calls_stand_where_they_were_made_and_once() {
        let calls = vec![call("c1", r#"{"at":1}"#), call("c2", "no json")];
        let parts = vec![Part::Call(1), Part::text("and"), Part::Call(1), Part::Call(9)];
        let expected = json!([
            { "type": "tool_call", "id": "c2", "name": "look", "arguments": "no json" },
            { "type": "text", "content": "and" },
            { "type": "tool_call", "id": "c1", "name": "look", "arguments": { "at": 1 } },
        ]);
        assert_eq!(Value::from(parts_of(&Body::ActionRequest { parts, calls })), expected);
    }

    #[test]
    fn results_are_values_or_say_what_went_wrong() {
        let result = |outcome| {
            let (call, function) = (CallId::new("c1"), "look".to_owned());
            parts_of(&Body::ActionResponse { call, function, outcome }).remove(0)["response"].take()
        };
        assert_eq!(result(Outcome::Succeeded(json!([1]))), json!([1]));
        assert_eq!(result(Outcome::Failed("no".to_owned())), json!("failed: no"));
    }
}
