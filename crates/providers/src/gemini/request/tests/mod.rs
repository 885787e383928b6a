//! What requests look like as bytes.

mod answers;
mod media;
mod settings;
mod turns;
mod whole;

use branchwork_core::{message::Body, provider::ModelRequest};
use serde_json::Value;

pub(super) use crate::testing::{asked, call, message, request, thought};
use crate::{gemini::Gemini, testing};

/// A model since Gemini 3, whose calls must be signed.
const NEW: &str = "gemini-3-pro";

/// A model before it.
const OLD: &str = "gemini-2.5-flash";

fn ask(model: &str, bodies: Vec<Body>) -> ModelRequest {
    let mut request = request(bodies);
    request.config.model = Some(model.to_owned());
    request
}

/// The body of `request`.
fn sent(request: &ModelRequest) -> Result<Value, String> {
    let body = testing::render(&Gemini, request)?;
    Ok(serde_json::from_str(&body).expect("it is JSON"))
}

/// Checks the turns that are sent for `bodies`, and the rules that had a hand in it.
fn check_for(model: &str, bodies: &[Body], contents: &Value, rules: &[&str]) {
    let request = ask(model, bodies.to_vec());
    let body = sent(&request).expect("a good request");
    assert_eq!(&body["contents"], contents, "{bodies:?}");
    assert_eq!(testing::adapted(&Gemini, &request), rules, "{bodies:?}");
}

/// The same for one answer behind an instruction, and an instruction behind it.
fn check_answer(model: &str, body: &Body, parts: &Value, rules: &[&str]) {
    let bodies = [Body::instruction("q"), body.clone(), Body::instruction("r")];
    let request = ask(model, bodies.to_vec());
    let sent = sent(&request).expect("a good request");
    assert_eq!(&sent["contents"][1]["parts"], parts, "{body:?}");
    assert_eq!(testing::adapted(&Gemini, &request), rules, "{body:?}");
}
