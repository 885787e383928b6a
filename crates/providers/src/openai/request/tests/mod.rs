//! What requests look like as bytes.

mod messages;
mod whole;

use std::sync::Arc;

use branchwork_core::{
    clock::Timestamp,
    config::Config,
    id::OpId,
    message::{Body, CallId, Message, Outcome, Part, Status, ToolCall},
    provider::ModelRequest,
};
use serde_json::Value;

use crate::openai::dialect::{Dialect, preset};

fn message(body: Body) -> Arc<Message> {
    Arc::new(Message {
        id: OpId::from_bits(7).into(),
        at: Timestamp::from_micros(7),
        sender: "ada".to_owned(),
        recipient: Some("model".to_owned()),
        body,
        metadata: serde_json::Map::new(),
        status: Status::Complete,
        edited: None,
        origin: None,
    })
}

fn request(bodies: Vec<Body>) -> ModelRequest {
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    ModelRequest::new(bodies.into_iter().map(message).collect(), config)
}

fn dialect(name: &str) -> Dialect {
    preset(name).expect("a preset").dialect
}

fn asked(parts: Vec<Part>, context: Option<Value>) -> Body {
    Body::Instruction { parts, context }
}

fn thought(text: &str, detail: Option<Value>) -> Part {
    Part::Reasoning { text: text.to_owned(), detail }
}

fn call(id: &str, arguments: &str) -> ToolCall {
    let (function, arguments) = ("look".to_owned(), arguments.to_owned());
    ToolCall { id: CallId::new(id), function, arguments }
}

fn calls(parts: Vec<Part>, arguments: &str) -> Body {
    Body::ActionRequest { parts, calls: vec![call("c1", arguments)] }
}

fn result(outcome: Outcome) -> Body {
    Body::ActionResponse { call: CallId::new("c1"), function: "look".to_owned(), outcome }
}
