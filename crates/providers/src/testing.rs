//! What the tests of all protocols share: requests, answers at any split, fixtures.

use std::{collections::VecDeque, fmt::Write as _, fs, sync::Arc};

use branchwork_core::{
    clock::Timestamp,
    config::Config,
    id::OpId,
    limits::MESSAGE_BYTES_MAX,
    message::{Body, CallId, Message, Outcome, Part, Status, ToolCall},
    provider::{ModelRequest, ProviderError, ProviderEvent, Usage},
    secret::Secret,
};
use serde_json::Value;

use crate::{
    errors::Reporter,
    framing::{Framer, Framing},
    wire::{self, Decode, Wire},
};

pub(crate) fn message(body: Body) -> Arc<Message> {
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

pub(crate) fn request(bodies: Vec<Body>) -> ModelRequest {
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    ModelRequest::new(bodies.into_iter().map(message).collect(), config)
}

pub(crate) fn asked(parts: Vec<Part>, context: Option<Value>) -> Body {
    Body::Instruction { parts, context }
}

pub(crate) fn thought(text: &str, detail: Option<Value>) -> Part {
    Part::Reasoning { text: text.to_owned(), detail }
}

pub(crate) fn call(id: &str, arguments: &str) -> ToolCall {
    let (function, arguments) = ("look".to_owned(), arguments.to_owned());
    ToolCall { id: CallId::new(id), function, arguments }
}

pub(crate) fn calls(parts: Vec<Part>, arguments: &str) -> Body {
    Body::ActionRequest { parts, calls: vec![call("c1", arguments)] }
}

pub(crate) fn result(outcome: Outcome) -> Body {
    Body::ActionResponse { call: CallId::new("c1"), function: "look".to_owned(), outcome }
}

/// The body of `request` in the words of `wire`.
pub(crate) fn render(wire: &dyn Wire, request: &ModelRequest) -> Result<String, String> {
    let pen = wire::write(wire, request)?;
    Ok(String::from_utf8(pen.bytes).expect("JSON is text"))
}

/// What was sent of `request` otherwise than it is kept, a rule and its count each.
pub(crate) fn adapted(wire: &dyn Wire, request: &ModelRequest) -> Vec<String> {
    let pen = wire::write(wire, request).expect("a good request");
    pen.adapted.into_iter().map(|(rule, count)| format!("{rule} {count}")).collect()
}

/// What makes errors, and knows the key `sk-secret`.
pub(crate) fn reporter() -> Arc<Reporter> {
    Arc::new(Reporter::new(vec![Secret::new("sk-secret")], "http://test".to_owned()))
}

/// What `decoder` makes of a stream in those chunks.
pub(crate) fn decode<'c>(
    mut decoder: impl Decode,
    framing: Framing,
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<ProviderEvent>, Result<(), ProviderError>) {
    let (mut framer, mut events) = (Framer::new(framing), VecDeque::new());
    let mut chunks = chunks.into_iter();
    let pushed =
        chunks.try_for_each(|chunk| framer.push(chunk, |frame| decoder.decode(frame, &mut events)));
    let ended = pushed.and_then(|()| wire::end_stream(&mut framer, &mut decoder, &mut events));
    (events.into(), ended)
}

/// What came of decoding.
type Decoded = (Vec<ProviderEvent>, Result<(), ProviderError>);

/// Checks that `recorded` gives the same events whole, cut in two at every byte, and byte by byte.
pub(crate) fn at_every_split(recorded: &[u8], decode: &dyn Fn(&[&[u8]]) -> Decoded) {
    let (whole, ended) = decode(&[recorded]);
    assert!(ended.is_ok(), "{ended:?}");
    assert!(matches!(whole.last(), Some(ProviderEvent::Finished(_))), "{whole:?}");
    for at in 0..=recorded.len() {
        let (head, rest) = recorded.split_at(at);
        let (events, ended) = decode(&[head, rest]);
        assert!(ended.is_ok() && events == whole, "cut at {at}");
    }
    let bytes: Vec<_> = recorded.chunks(1).collect();
    let (events, ended) = decode(&bytes);
    assert!(ended.is_ok() && events == whole, "byte by byte");
}

/// Checks that an answer which says `frame` of a number and a long text again and again is refused: what is
/// kept of it would take memory without end.
pub(crate) fn is_bounded(
    mut decoder: impl Decode,
    framing: Framing,
    frame: impl Fn(usize, &str) -> String,
) {
    let long = "x".repeat(MESSAGE_BYTES_MAX / 5);
    let mut framer = Framer::new(framing);
    let mut refused = None;
    for number in 0..6 {
        let frame = frame(number, &long);
        let mut events = VecDeque::new();
        let pushed = framer.push(frame.as_bytes(), |frame| decoder.decode(frame, &mut events));
        refused = refused.or(pushed.err().map(|error| (number, error)));
    }
    let (number, error) = refused.expect("it is refused");
    assert!(number >= 2, "after {number}: {error:?}");
    assert!(error.detail().starts_with("the answer is longer than"), "{error:?}");
}

/// The same of a whole body.
pub(crate) fn decode_whole(
    mut decoder: impl Decode,
    body: &[u8],
) -> (Vec<ProviderEvent>, Result<(), ProviderError>) {
    let mut events = VecDeque::new();
    let ended = decoder.decode_whole(body, &mut events);
    (events.into(), ended)
}

/// One line an event; pieces of one text are shown apart by `|`.
pub(crate) fn show(events: &[ProviderEvent]) -> String {
    let mut lines = String::new();
    let mut last = "";
    for event in events {
        let (head, text) = match event {
            ProviderEvent::Started { model, response_id } => {
                ("started", format!("{model:?} {response_id:?}"))
            }
            ProviderEvent::Text(text) => ("text", text.clone()),
            ProviderEvent::Reasoning(text) => ("thought", text.clone()),
            ProviderEvent::ReasoningDetail(value) => ("detail", value.to_string()),
            ProviderEvent::ReasoningEnded { native } => (
                "thought ended",
                native.as_ref().map_or_else(String::new, |native| native.block.to_string()),
            ),
            ProviderEvent::Native(native) => ("native", native.block.to_string()),
            ProviderEvent::CallStarted { index, id, function } => {
                ("call", format!("{index} {id} {function}"))
            }
            ProviderEvent::CallArguments { index, text } => {
                ("arguments", format!("{index} {text}"))
            }
            ProviderEvent::Logprobs(value) => ("logprobs", value.to_string()),
            ProviderEvent::Usage(usage) => ("usage", show_usage(usage)),
            ProviderEvent::Finished(finish) => ("finished", finish.as_str().to_owned()),
            other => ("other", format!("{other:?}")),
        };
        let joins = matches!(head, "text" | "thought") && head == last;
        let start = if joins { "|".to_owned() } else { format!("\n{head} ") };
        write!(lines, "{start}{text}").expect("a string takes all");
        last = head;
    }
    lines.trim().to_owned()
}

pub(crate) fn show_usage(usage: &Usage) -> String {
    let counts =
        [usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens];
    counts.map(|count| count.map_or("-".to_owned(), |count| count.to_string())).join(" ")
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    fs::read(format!("{directory}/{name}")).expect("the fixture is there")
}
