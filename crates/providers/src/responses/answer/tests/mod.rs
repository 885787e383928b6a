//! What the decoder makes of recorded answers, and of what servers get wrong.

mod faults;
mod recorded;
mod streamed;

use branchwork_core::provider::{ProviderError, ProviderEvent};
use serde_json::{Value, json};

use super::Decoder;
pub(super) use crate::testing::{fixture, show};
use crate::{
    framing::Framing,
    testing::{self, reporter},
};

fn decoder() -> Decoder {
    Decoder::new(reporter(), "thinker".to_owned(), 3)
}

/// What a stream in those chunks becomes.
fn decode<'c>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<ProviderEvent>, Result<(), ProviderError>) {
    testing::decode(decoder(), Framing::Events, chunks)
}

/// What a whole body becomes.
fn decode_whole(body: &[u8]) -> (Vec<ProviderEvent>, Result<(), ProviderError>) {
    testing::decode_whole(decoder(), body)
}

/// A stream of these events, each with its name as the servers of `OpenAI` send it.
fn stream(events: &[Value]) -> String {
    let event = |event: &Value| {
        let name = event["type"].as_str().expect("events have types");
        format!("event: {name}\ndata: {event}\n\n")
    };
    events.iter().map(event).collect()
}

fn added(index: u32, item: &Value) -> Value {
    json!({ "type": "response.output_item.added", "output_index": index, "item": item })
}

fn done(index: u32, item: &Value) -> Value {
    json!({ "type": "response.output_item.done", "output_index": index, "item": item })
}

fn delta(kind: &str, index: u32, text: &str) -> Value {
    let kind = format!("response.{kind}.delta");
    json!({ "type": kind, "output_index": index, "item_id": format!("i{index}"), "delta": text })
}

fn text(index: u32, text: &str) -> Value {
    delta("output_text", index, text)
}

fn message(text: &str) -> Value {
    json!({ "type": "message", "content": [{ "type": "output_text", "text": text }] })
}

fn thought(text: &str, seal: &str) -> Value {
    let summary = json!([{ "type": "summary_text", "text": text }]);
    json!({ "type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": seal })
}

fn call(id: &str, arguments: &str) -> Value {
    json!({ "type": "function_call", "call_id": id, "name": "look", "arguments": arguments })
}

fn completed(output: &Value) -> Value {
    json!({ "type": "response.completed", "response": { "status": "completed", "output": output } })
}

/// Checks the events of a stream of `events` and an end, without their `Started`.
fn check(events: &[Value], expected: &str) {
    let mut events = events.to_vec();
    events.push(completed(&json!([])));
    check_all(&events, expected);
}

/// The same with the end among the events.
fn check_all(events: &[Value], expected: &str) {
    let stream = stream(events);
    let (events, ended) = decode([stream.as_bytes()]);
    assert!(ended.is_ok(), "{stream}: {ended:?}");
    let shown = show(&events);
    let shown = shown.strip_prefix("started None None").unwrap_or(&shown).trim();
    assert_eq!(shown, expected.trim(), "{stream}");
}
