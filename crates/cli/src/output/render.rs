//! Messages and branches, as text and as JSON.

use std::io;

use branchwork::{
    TurnEvent,
    core::{
        id::BranchId,
        message::{Body, Message, Outcome, Status, ToolCall},
        provider::Retried,
        store::BranchRecord,
    },
    time::rfc3339,
};
use serde_json::{Value, json};

use super::{Paint, line, one_line};

/// Letters of a line that tells of a call, or of a mail.
const LINE_CHARS_MAX: usize = 120;

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
    if message.first_said() != message.id {
        fields.insert("origin".to_owned(), json!(message.first_said().to_string()));
    }
    if let Some(op) = message.edited {
        fields.insert("edited".to_owned(), json!(op.to_string()));
    }
    if matches!(message.body, Body::ActionRequest { .. }) {
        fields.insert("calls".to_owned(), calls_value(message));
    }
    if let Body::ActionResponse { call, function, .. } = &message.body {
        fields.insert("call".to_owned(), json!(call.as_str()));
        fields.insert("function".to_owned(), json!(function));
    }
    value
}

/// The tool calls of an answer, as `log --json` prints them.
pub(crate) fn calls_value(message: &Message) -> Value {
    let Body::ActionRequest { calls, .. } = &message.body else { return Value::Array(Vec::new()) };
    let calls = calls.iter().map(|call| {
        json!({ "id": call.id.as_str(), "function": call.function, "arguments": call.arguments })
    });
    calls.collect()
}

/// What an event says of calls, of tools and of models: a short line for each call that begins, that ends,
/// that is made anew.
pub(crate) fn call_lines(event: &TurnEvent) -> Vec<String> {
    match event {
        TurnEvent::Called(message) => message_lines(message),
        TurnEvent::CallCompleted { function, outcome, .. } => vec![result_line(function, outcome)],
        TurnEvent::Retried(Retried { problem, wait, .. }) => {
            vec![short(&format!("asked again after {wait:.1?}: {problem}"))]
        }
        _ => Vec::new(),
    }
}

/// That a call of a model was made anew, as JSON.
pub(crate) fn retried_value(Retried { retries, wait, problem, .. }: &Retried) -> Value {
    json!({ "retries": retries, "wait_s": wait.as_secs_f64(), "problem": problem })
}

/// The same of a message: the calls that it makes, or the result that it is.
pub(crate) fn message_lines(message: &Message) -> Vec<String> {
    match &message.body {
        Body::ActionRequest { calls, .. } => {
            let line = |call: &ToolCall| format!("→ {}({})", call.function, call.arguments);
            calls.iter().map(|call| short(&line(call))).collect()
        }
        Body::ActionResponse { function, outcome, .. } => vec![result_line(function, outcome)],
        _ => Vec::new(),
    }
}

fn result_line(function: &str, outcome: &Outcome) -> String {
    short(&format!("← {function}: {}", outcome.text()))
}

/// A text on one line that is not too long.
pub(super) fn short(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(LINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
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
    if message.first_said() != message.id {
        head = format!("{head} · first {}", message.first_said());
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
