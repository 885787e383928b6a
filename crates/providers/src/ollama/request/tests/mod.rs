//! What requests look like as bytes.

mod messages;
mod whole;

use branchwork_core::{message::Body, provider::ModelRequest};
use serde_json::Value;

pub(super) use crate::testing::{asked, call, calls, message, request, result, thought};
use crate::{ollama::Ollama, testing};

/// The body of `request`.
fn sent(request: &ModelRequest) -> Result<Value, String> {
    let body = testing::render(&Ollama, request)?;
    Ok(serde_json::from_str(&body).expect("it is JSON"))
}

/// Checks what is sent for a message behind an instruction, and the rules that had a hand in it.
fn check(body: &Body, expected: &Value, rules: &[&str]) {
    let request = request(vec![Body::instruction("q"), body.clone()]);
    let sent = sent(&request).expect("a good request");
    assert_eq!(&sent["messages"][1], expected, "{body:?}");
    assert_eq!(testing::adapted(&Ollama, &request), rules, "{body:?}");
}
