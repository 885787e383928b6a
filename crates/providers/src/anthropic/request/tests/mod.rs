//! What requests look like as bytes.

mod answers;
mod cache;
mod calls;
mod kept;
mod messages;
mod settings;
mod tools;

use branchwork_core::{
    message::{Body, Native, Part},
    provider::{ModelRequest, ToolChoice, ToolSpec},
};
use serde_json::{Value, json};

pub(super) use crate::testing::{adapted, asked, call, message, request, result, thought};
use crate::{
    anthropic::{Anthropic, NAME},
    testing,
};

/// What is asked where nothing is.
const GO_ON: &str = r#"{"role":"user","content":[{"type":"text","text":"Go on."}]}"#;

/// The body of `request`.
fn render(request: &ModelRequest) -> Result<String, String> {
    testing::render(&Anthropic, request)
}

/// The fields of what is sent.
fn sent(request: &ModelRequest) -> Value {
    serde_json::from_str(&render(request).expect("a good request")).expect("JSON")
}

/// What is sent for the messages of `request`.
fn messages(request: &ModelRequest) -> String {
    let rendered = render(request).expect("a good request");
    let (_, messages) = rendered.split_once(r#""messages":["#).expect("there are messages");
    messages.strip_suffix("]}").expect("messages are last").to_owned()
}

/// A tool of that name.
fn tool(name: &str) -> ToolSpec {
    let parameters = json!({ "type": "object" });
    ToolSpec { name: name.to_owned(), description: String::new(), parameters }
}

/// The request to go on with `bodies`, with a tool on offer.
fn offered(bodies: Vec<Body>) -> ModelRequest {
    request(bodies).with_tools(vec![tool("look")], ToolChoice::Auto)
}

/// Checks what is sent for the messages of a request to `model`, and by which rules.
fn check_as(model: &str, bodies: Vec<Body>, rules: &str, expected: &[&str]) {
    let mut request = offered(bodies);
    request.config.model = Some(model.to_owned());
    assert_eq!(messages(&request), expected.join(","));
    assert_eq!(adapted(&Anthropic, &request).join(", "), rules);
}

fn check(bodies: Vec<Body>, rules: &str, expected: &[&str]) {
    check_as("tiny", bodies, rules, expected);
}

fn response(parts: Vec<Part>) -> Body {
    Body::Response { parts }
}

/// A block that `model` made.
fn native(model: &str, block: Value) -> Part {
    Part::Native(Native::new(NAME, model, block))
}

/// A thought that `model` signed.
fn signed(model: &str, block: Value) -> Part {
    thought("hm", Some(Native::new(NAME, model, block).into_detail()))
}

/// A message of the protocol with those blocks.
fn user(blocks: &str) -> String {
    format!(r#"{{"role":"user","content":[{blocks}]}}"#)
}

/// A message of the protocol with those blocks.
fn assistant(blocks: &str) -> String {
    format!(r#"{{"role":"assistant","content":[{blocks}]}}"#)
}

/// A block of text.
fn said(text: &str) -> String {
    format!(r#"{{"type":"text","text":"{text}"}}"#)
}
