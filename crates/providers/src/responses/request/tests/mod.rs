//! What requests look like as bytes.

mod answers;
mod messages;
mod whole;

use branchwork_core::{
    message::{Body, Native, Part},
    provider::ModelRequest,
};
use serde_json::Value;

pub(super) use crate::testing::{asked, calls, message, request, result, thought};
use crate::{dialect::KeyHeader, responses::Responses, testing};

const WIRE: Responses = Responses { key_header: KeyHeader::Bearer };

/// The body of `request`.
fn render(request: &ModelRequest) -> Result<String, String> {
    testing::render(&WIRE, request)
}

/// The fields of the body of a good request.
fn sent(request: &ModelRequest) -> Value {
    serde_json::from_str(&render(request).expect("good")).expect("JSON")
}

/// Checks the items that the model `tiny` is sent for one message, and the rules by which they are.
fn check_by(body: Body, expected: &str, rules: &[&str]) {
    // Something is said before it, as what says nothing is refused.
    let request = request(vec![Body::instruction("hi"), body]);
    let rendered = render(&request).expect("a good request");
    let input = rendered.split_once(r#""input":["#).expect("items are last").1;
    let sent = input.strip_prefix(r#"{"type":"message","role":"user","content":"hi"}"#);
    let sent = sent.expect("the first one is first").strip_prefix(',').unwrap_or_default();
    assert_eq!(sent.strip_suffix("]}").unwrap_or(sent), expected);
    assert_eq!(testing::adapted(&WIRE, &request), rules, "{expected}");
}

fn check(body: Body, expected: &str) {
    check_by(body, expected, &[]);
}

/// A block of an answer of `model`.
fn block_of(model: &str, block: Value) -> Part {
    Part::Native(Native::new("responses", model, block))
}

fn block(block: Value) -> Part {
    block_of("tiny", block)
}

/// A thought with what its server wants back.
fn kept(text: &str, model: &str, block: Value) -> Part {
    thought(text, Some(Native::new("responses", model, block).into_detail()))
}

fn response(parts: Vec<Part>) -> Body {
    Body::Response { parts }
}
