//! How a body is told in one JSON text, as LionAGI 0.0.300 does it.
//!
//! A system text is `{"system_info"}`, an instruction `{"instruction", "context"?}`, an answer
//! `{"response"}`, calls are `{"action_request": [{"action", "arguments"}]}`, a result is
//! `{"action_response": {"function", "arguments", "output"}}`.

use std::sync::Arc;

use branchwork_core::{
    codec::{self, OpPlace},
    graph::{Op, OpKind, Step},
    message::{Body, BodyKind, CallId, Draft, Message, Outcome, Part, Role, ToolCall},
};
use serde_json::{Map, Value, json};

use super::row::{Row, TABLE};

/// The key of what LionAGI's form cannot tell.
const OWN: &str = "branchwork";

/// Before the name of the function in a call.
const ACTION: &str = "action_";

/// Calls that wait for a result, in order.
pub(super) type OpenCalls = Vec<ToolCall>;

/// Who calls and results are from in LionAGI, when that is nobody in particular.
const SENDERS: [(BodyKind, &str, &str); 2] = [
    (BodyKind::ActionRequest, "assistant", "action_request"),
    (BodyKind::ActionResponse, "tool", "action_response"),
];

/// Who a table says that a message of this kind is from.
pub(super) fn told_sender(kind: BodyKind, sender: &str) -> &str {
    let told = SENDERS.iter().find(|(of, ours, _)| *of == kind && *ours == sender);
    told.map_or(sender, |(_, _, theirs)| theirs)
}

/// Who `draft` is from when a table says that it is from `sender`.
pub(super) fn read_sender(draft: &Draft, sender: &str) -> String {
    let kind = draft.body.kind();
    if let Some(own) = draft.sender.as_ref().filter(|own| told_sender(kind, own) == sender) {
        return own.clone();
    }
    let ours = SENDERS.iter().find(|(of, _, theirs)| *of == kind && *theirs == sender);
    ours.map_or(sender, |(_, ours, _)| ours).to_owned()
}

/// What `message` says, before which `open` calls wait for a result.
pub(super) fn tell(message: &Message, open: &OpenCalls) -> String {
    let mut told = in_seed_form(&message.body, open);
    // A simple message needs no more; whether it is one is found out by reading it.
    let row = Row {
        node_id: String::new(),
        timestamp: String::new(),
        role: String::new(),
        sender: String::new(),
        content: told.to_string(),
    };
    let mut metadata = message.metadata.clone();
    metadata.remove(TABLE);
    let read = read(message.role(), &row, &mut open.clone());
    let sender = told_sender(message.body.kind(), &message.sender);
    let is_simple = read.body == message.body
        && read_sender(&read, sender) == message.sender
        && message.status == read.status
        && message.recipient == read.recipient
        && metadata == read.metadata;
    if let (false, Some(fields)) = (is_simple, told.as_object_mut()) {
        fields.insert(OWN.to_owned(), in_own_form(message, metadata));
    }
    told.to_string()
}

/// Whether telling `draft` again would say `content`.
pub(super) fn tells(draft: &Draft, content: &str, open: &OpenCalls) -> bool {
    let said: Option<Value> = serde_json::from_str(content).ok();
    said.is_some_and(|mut said| {
        if let Some(fields) = said.as_object_mut() {
            fields.remove(OWN);
        }
        said == in_seed_form(&draft.body, open)
    })
}

/// The message that `row` tells; whatever it is, something says it.
pub(super) fn read(role: Role, row: &Row, open: &mut OpenCalls) -> Draft {
    let draft = match serde_json::from_str(unsigned(&row.content)) {
        Ok(value) => read_own(&value, open)
            .or_else(|| read_seed(&value, row, open).map(Draft::new))
            .unwrap_or_else(|| Draft::new(plain(role, &value))),
        Err(_no_json) => Draft::new(plain(role, &Value::String(row.content.clone()))),
    };
    note_calls(&draft.body, open);
    draft
}

/// The calls that wait once `body` was said.
pub(super) fn note_calls(body: &Body, open: &mut OpenCalls) {
    match body {
        Body::ActionRequest { calls, .. } => open.clone_from(calls),
        Body::ActionResponse { call, .. } => open.retain(|waiting| waiting.id != *call),
        _ => open.clear(),
    }
}

/// `content` without the sender that LionAGI may have written before it.
fn unsigned(content: &str) -> &str {
    if !content.starts_with("Sender ") {
        return content;
    }
    // A name may hold colons: what follows the right one is JSON.
    let ends = content.match_indices(": ").map(|(at, _)| content.get(at + 2..).unwrap_or_default());
    ends.map(str::trim_start)
        .find(|rest| serde_json::from_str::<Value>(rest).is_ok())
        .unwrap_or(content)
}

fn in_seed_form(body: &Body, open: &OpenCalls) -> Value {
    match body {
        Body::System { text } => json!({ "system_info": text }),
        Body::Instruction { parts, context: None } => json!({ "instruction": said(parts) }),
        Body::Instruction { parts, context: Some(context) } => {
            json!({ "instruction": said(parts), "context": context })
        }
        Body::Response { parts } => json!({ "response": said(parts) }),
        Body::ActionRequest { calls, .. } => {
            let call = |call: &ToolCall| {
                let action = format!("{ACTION}{}", call.function);
                json!({ "action": action, "arguments": call.arguments, "id": call.id.as_str() })
            };
            json!({ "action_request": calls.iter().map(call).collect::<Vec<_>>() })
        }
        Body::ActionResponse { call, function, outcome } => {
            let output = match outcome {
                Outcome::Succeeded(value) => value.clone(),
                other => Value::String(other.text()),
            };
            let mut result = json!({ "function": function, "output": output, "id": call.as_str() });
            let called = open.iter().find(|waiting| waiting.id == *call);
            if let (Some(fields), Some(called)) = (result.as_object_mut(), called) {
                let arguments = serde_json::from_str(&called.arguments);
                let arguments = arguments.unwrap_or_else(|_| called.arguments.clone().into());
                fields.insert("arguments".to_owned(), arguments);
            }
            json!({ "action_response": result })
        }
        _ => Value::Null,
    }
}

/// A single text or value as it is; several as the text they make.
fn said(parts: &[Part]) -> Value {
    match parts {
        [Part::Text(text)] => Value::String(text.clone()),
        [Part::Data(value)] if !value.is_string() => value.clone(),
        parts => Value::String(branchwork_core::message::text_of(parts)),
    }
}

fn spoken(value: &Value) -> Vec<Part> {
    match value {
        // An instruction cannot hold a NUL, a value can.
        Value::String(text) if !text.contains('\0') => vec![Part::text(text)],
        value => vec![Part::Data(value.clone())],
    }
}

fn read_seed(value: &Value, row: &Row, open: &OpenCalls) -> Option<Body> {
    let fields = value.as_object()?;
    let (name, said) = fields.iter().find(|(name, _)| *name != "context" && *name != OWN)?;
    match name.as_str() {
        "system_info" => Some(plain(Role::System, said)),
        "instruction" => {
            let context = fields.get("context").cloned();
            Some(Body::Instruction { parts: spoken(said), context })
        }
        "response" => Some(Body::Response { parts: spoken(said) }),
        "action_request" => read_calls(said, row),
        "action_response" => read_result(said, open),
        _ => None,
    }
}

fn read_calls(said: &Value, row: &Row) -> Option<Body> {
    let items = said.as_array().filter(|items| !items.is_empty())?;
    let call = |(index, item): (usize, &Value)| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let (function, arguments) = match (item.get("action"), item.get("recipient_name")) {
            (Some(action), _) => (action.as_str()?, item.get("arguments")?),
            (None, Some(name)) => (name.as_str()?.rsplit('.').next()?, item.get("parameters")?),
            (None, None) => return None,
        };
        let function = function.strip_prefix(ACTION).unwrap_or(function).to_owned();
        let id = item.get("id").and_then(Value::as_str).map(str::to_owned);
        let id = CallId::new(id.unwrap_or_else(|| format!("{}:{index}", row.node_id)));
        Some(ToolCall { id, function, arguments: text(arguments) })
    };
    let calls = items.iter().enumerate().map(call).collect::<Option<Vec<_>>>()?;
    Some(Body::ActionRequest { parts: Vec::new(), calls })
}

/// A result belongs to the call it names, else to the first of its function that waits for one.
fn read_result(said: &Value, open: &OpenCalls) -> Option<Body> {
    let function = said.get("function")?.as_str()?;
    let id = said.get("id").and_then(Value::as_str);
    let is_its = |call: &&ToolCall| match id {
        Some(id) => call.id.as_str() == id,
        None => call.function == function,
    };
    let call = open.iter().find(is_its)?;
    let outcome = Outcome::Succeeded(said.get("output").cloned().unwrap_or_default());
    Some(Body::ActionResponse { call: call.id.clone(), function: function.to_owned(), outcome })
}

/// What something says that has no form, in the voice of `role`.
fn plain(role: Role, value: &Value) -> Body {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match role {
        Role::System => Body::System { text: text.replace('\0', "\u{fffd}") },
        Role::User => Body::Instruction { parts: spoken(value), context: None },
        Role::Assistant | Role::Tool => Body::Response { parts: spoken(value) },
    }
}

/// All that the store keeps of a message.
fn in_own_form(message: &Message, metadata: Map<String, Value>) -> Value {
    let message = Message { metadata, edited: None, ..message.clone() };
    let kind = OpKind::Message(Arc::new(message));
    let encoded = codec::encode(&op(kind));
    let value = |json: &[u8]| serde_json::from_slice(json).unwrap_or(Value::Null);
    encoded.map_or(Value::Null, |encoded| {
        json!({ "codec": codec::VERSION, "head": value(&encoded.head), "body": value(&encoded.body) })
    })
}

/// An op that appends a message, of which only the message counts.
fn op(kind: OpKind) -> Op {
    let OpPlace { id, parent, at, standing } = place();
    Op { id, parent, at, step: Step::Alone, standing, author: None, kind }
}

fn place() -> OpPlace {
    let id = branchwork_core::id::OpId::from_bits(0);
    OpPlace { id, parent: None, at: branchwork_core::clock::Timestamp::default(), standing: 0 }
}

/// The message that the own form holds, unless the rest of the row was changed since, or it is a result of a call
/// that does not wait for one.
fn read_own(value: &Value, open: &OpenCalls) -> Option<Draft> {
    let own = value.get(OWN)?;
    let version = u32::try_from(own.get("codec")?.as_u64()?).ok()?;
    let (head, body) = (own.get("head")?.to_string(), own.get("body")?.to_string());
    let op = codec::decode(version, place(), head.as_bytes(), body.as_bytes()).ok()?;
    let message = op.kind.as_message()?;
    if let Body::ActionResponse { call, .. } = &message.body {
        open.iter().find(|waiting| waiting.id == *call)?;
    }
    let mut rest = value.clone();
    rest.as_object_mut()?.remove(OWN);
    if rest != in_seed_form(&message.body, open) {
        return None;
    }
    let draft = Draft::new(message.body.clone()).with_status(message.status);
    let draft = draft.with_sender(&message.sender);
    let draft = draft.with_metadata(message.metadata.clone());
    Some(match &message.recipient {
        Some(recipient) => draft.with_recipient(recipient),
        None => draft,
    })
}
