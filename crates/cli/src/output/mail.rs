//! Mail, as text and as JSON.

use branchwork::{
    BranchNames, SystemClock,
    core::clock::{Clock as _, Timestamp},
    mail::{Delivery, Mail, MailState, Package},
    time::rfc3339,
};
use serde_json::{Map, Value, json};

use super::{Paint, message_value, one_line, render::short, set};

/// What a mail is told by: which, from whom, of which category.
pub(crate) fn envelope_value(mail: &Mail, names: &BranchNames) -> Value {
    json!({
        "id": mail.id.to_string(),
        "from": names.name(mail.sender),
        "category": mail.package.category().as_str(),
    })
}

/// The same with its times and what it answers.
pub(crate) fn mail_value(mail: &Mail, names: &BranchNames) -> Value {
    let mut value = envelope_value(mail, names);
    set(&mut value, "at", rfc3339(mail.sent));
    if let Some(expires) = mail.expires {
        set(&mut value, "expires", rfc3339(expires));
    }
    if let Some(answered) = mail.reply_to {
        set(&mut value, "reply_to", answered.to_string());
    }
    value
}

/// A mail for one branch, as lists of mail print it with `--json`.
pub(crate) fn delivery_value(delivery: &Delivery, names: &BranchNames) -> Value {
    let (state, _) = state_now(delivery);
    let mut value = mail_value(&delivery.mail, names);
    set(&mut value, "to", names.name(delivery.recipient));
    set(&mut value, "state", state.place().as_str());
    if let Some(reason) = state.reason() {
        set(&mut value, "reason", reason);
    }
    if let Some(receipt) = state.receipt() {
        set(&mut value, "receipt", receipt.to_string());
    }
    value
}

/// A mail for one branch, on a line of a list.
pub(crate) fn delivery_line(delivery: &Delivery, names: &BranchNames, paint: Paint) -> String {
    let Delivery { mail, recipient, .. } = delivery;
    let id = paint.dim(&mail.id.to_string());
    let (from, to) = (names.name(mail.sender), names.name(*recipient));
    let (category, preview) = (mail.package.category(), preview(&mail.package));
    let (state, at) = (state_text(delivery), rfc3339(mail.sent));
    format!("{id}  {from} → {to}  {state}  {at}  {category}: {preview}")
}

/// How far a mail is now, and since when.
pub(crate) fn state_now(delivery: &Delivery) -> (MailState, Timestamp) {
    delivery.state_at(SystemClock.now())
}

/// How far a mail is, and why, in a few words.
pub(crate) fn state_text(delivery: &Delivery) -> String {
    let (state, _) = state_now(delivery);
    match state.reason() {
        Some(reason) => format!("{} ({})", state.place(), one_line(reason)),
        None => state.place().to_string(),
    }
}

/// What is in a mail, on one short line.
pub(crate) fn preview(package: &Package) -> String {
    short(&match package {
        Package::Messages(messages) => {
            let first = messages.first().map(|message| message.text()).unwrap_or_default();
            match messages.len() {
                1 => first,
                count => format!("{count} messages, the first: {first}"),
            }
        }
        Package::Tools(names) => names.join(", "),
        Package::ModelConfig(patch) => Value::Object(patch.settings()).to_string(),
        Package::Text(text) | Package::Provider(text) | Package::Signal(text) => text.clone(),
        Package::Data(data) => data.to_string(),
        _ => String::new(),
    })
}

/// What is in a mail, as `mail show --json` prints it.
pub(crate) fn contents_value(package: &Package) -> Value {
    match package {
        Package::Messages(messages) => {
            messages.iter().map(|message| message_value(message)).collect()
        }
        Package::Tools(names) => json!(names),
        Package::ModelConfig(patch) => Value::Object(patch.settings()),
        Package::Text(text) | Package::Provider(text) | Package::Signal(text) => json!(text),
        Package::Data(data) => data.clone(),
        _ => Value::Object(Map::new()),
    }
}
