//! What the decoder makes of recorded answers, and of what servers get wrong.

mod calls;
mod faults;
mod recorded;

use branchwork_core::provider::{ProviderError, ProviderEvent};

use super::Decoder;
pub(super) use crate::testing::{fixture, show};
use crate::{
    framing::Framing,
    testing::{self, reporter},
};

fn decoder() -> Decoder {
    Decoder::new(reporter(), "tiny", (3, 1))
}

/// What a stream in those chunks becomes.
fn decode<'c>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<ProviderEvent>, Result<(), ProviderError>) {
    testing::decode(decoder(), Framing::Events, chunks)
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
