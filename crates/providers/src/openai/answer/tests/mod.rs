//! What the decoder makes of recorded answers, and of what servers get wrong.

mod calls;
mod faults;
mod recorded;

use std::{collections::VecDeque, fmt::Write as _, fs, sync::Arc};

use branchwork_core::{
    provider::{ProviderError, ProviderEvent, Usage},
    secret::Secret,
};

use super::Decoder;
use crate::{openai::errors::Reporter, sse::Framer};

fn decoder() -> Decoder {
    let secrets = vec![Secret::new("sk-secret")];
    Decoder::new(Arc::new(Reporter::new(secrets, "http://test".to_owned())), 3)
}

/// What a stream in those chunks becomes.
fn decode<'c>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<ProviderEvent>, Result<(), ProviderError>) {
    let (mut framer, mut decoder, mut events) = (Framer::default(), decoder(), VecDeque::new());
    let mut chunks = chunks.into_iter();
    let pushed =
        chunks.try_for_each(|chunk| framer.push(chunk, |frame| decoder.decode(frame, &mut events)));
    let ended =
        pushed.and_then(|()| match framer.finish(|frame| decoder.decode(frame, &mut events)) {
            Ok(()) | Err(ProviderError::Malformed { .. }) => decoder.end(&mut events),
            Err(error) => Err(error),
        });
    (events.into(), ended)
}

/// One line an event; pieces of one text are shown apart by `|`.
fn show(events: &[ProviderEvent]) -> String {
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

fn show_usage(usage: &Usage) -> String {
    let counts =
        [usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens];
    counts.map(|count| count.map_or("-".to_owned(), |count| count.to_string())).join(" ")
}

/// Checks the events of a stream of these chunks, without their `Started`.
fn check(stream: &str, expected: &str) {
    let (events, ended) = decode([stream.as_bytes()]);
    assert!(ended.is_ok(), "{ended:?}");
    let shown = show(&events);
    let shown = shown.strip_prefix("started None None").unwrap_or(&shown).trim();
    assert_eq!(shown, expected.trim(), "{stream}");
}

/// A stream of chunks with these deltas, a finish reason and the end mark.
fn stream(deltas: &[&str], finish: &str) -> String {
    let chunk = |delta: &&str| format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
    let deltas: String = deltas.iter().map(chunk).collect();
    format!(
        "{deltas}data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":{finish}}}]}}\n\ndata: [DONE]\n\n"
    )
}

fn check_deltas(deltas: &[&str], expected: &str) {
    check(&stream(deltas, "\"stop\""), expected);
}

fn fixture(name: &str) -> Vec<u8> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    fs::read(format!("{directory}/{name}")).expect("the fixture is there")
}
