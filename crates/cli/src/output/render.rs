//! Messages and branches, as text and as JSON.

use std::io;

use branchwork::{
    core::{
        id::BranchId,
        message::{Body, Message, Status},
        store::BranchRecord,
    },
    time::rfc3339,
};
use serde_json::{Value, json};

use super::{Paint, line};

/// A message as `log --json` prints it.
pub(crate) fn message_value(message: &Message) -> Value {
    let mut value = json!({
        "id": message.id.to_string(),
        "kind": message.body.kind().as_str(),
        "role": message.role().as_str(),
        "sender": message.sender,
        "content": message.text(),
        "at": rfc3339(message.at),
        "status": message.status.as_str(),
    });
    let Value::Object(fields) = &mut value else { return value };
    if let Some(recipient) = &message.recipient {
        fields.insert("recipient".to_owned(), json!(recipient));
    }
    if !message.metadata.is_empty() {
        fields.insert("metadata".to_owned(), Value::Object(message.metadata.clone()));
    }
    if let Some(op) = message.edited {
        fields.insert("edited".to_owned(), json!(op.to_string()));
    }
    if let Body::ActionRequest { calls, .. } = &message.body {
        let calls = calls.iter().map(|call| {
            json!({ "id": call.id.as_str(), "function": call.function, "arguments": call.arguments })
        });
        fields.insert("calls".to_owned(), calls.collect());
    }
    if let Body::ActionResponse { call, function, .. } = &message.body {
        fields.insert("call".to_owned(), json!(call.as_str()));
        fields.insert("function".to_owned(), json!(function));
    }
    value
}

/// Prints a message for a person.
pub(crate) fn print_message(message: &Message, paint: Paint) -> io::Result<()> {
    let mut head = format!("{} · {} · {}", message.role(), message.id, rfc3339(message.at));
    if message.sender != message.role().as_str() {
        head = format!("{} ({})", head, message.sender);
    }
    if message.status != Status::Complete {
        head = format!("{head} · {}", message.status.as_str());
    }
    if message.edited.is_some() {
        head += " · edited";
    }
    line(&paint.dim(&head))?;
    if let Body::ActionRequest { calls, .. } = &message.body {
        for call in calls {
            line(&format!("→ {}({})", call.function, call.arguments))?;
        }
    }
    line(&message.text())?;
    line("")
}

/// A branch as `branch list --json` prints it.
pub(crate) fn branch_value(branch: &BranchRecord, default: BranchId) -> Value {
    json!({
        "name": branch.name,
        "id": branch.id.to_string(),
        "head": branch.head.map(|head| head.to_string()),
        "messages": branch.messages,
        "default": branch.id == default,
        "forked_from": branch.forked_from.map(|id| id.to_string()),
        "created": rfc3339(branch.created),
    })
}
