//! Printing: data to standard output, everything else to standard error.

mod color;
mod mail;
mod price;
mod render;

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::Value;

pub(crate) use self::{
    color::Paint,
    mail::{
        contents_value, delivery_line, delivery_value, envelope_value, mail_value, preview,
        state_now, state_text,
    },
    price::{prices_line, tariff_line, tariff_value},
    render::{
        branch_value, call_lines, calls_value, message_lines, message_value, print_message,
        retried_value,
    },
};

/// Prints one line of data.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")
}

/// Prints a piece of data as it is, and lets it be seen at once.
pub(crate) fn piece(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a JSON object on one line.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value).map_err(io::Error::other)?;
    line(&text)?;
    io::stdout().flush()
}

/// Gives a JSON object a field.
pub(crate) fn set(object: &mut Value, key: &str, field: impl Into<Value>) {
    if let Value::Object(fields) = object {
        fields.insert(key.to_owned(), field.into());
    }
}

/// Says something on standard error. Nobody is left to tell when that fails.
pub(crate) fn complain(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Asks a person something; the answer is typed behind it.
pub(crate) fn ask(question: &str) {
    let mut terminal = io::stderr().lock();
    drop(write!(terminal, "{question}").and_then(|()| terminal.flush()));
}

/// `text` on one line: line breaks and other control characters are written out.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => line.push(' '),
            control if control.is_control() => line.extend(control.escape_default()),
            other => line.push(other),
        }
    }
    line
}
