//! What the decoder makes of recorded answers, and of what servers get wrong.

mod faults;
mod parts;
mod recorded;

use branchwork_core::provider::{ProviderError, ProviderEvent};

use super::Decoder;
pub(super) use crate::testing::{fixture, show};
use crate::{
    framing::Framing,
    testing::{self, asked, reporter, request},
};

/// A decoder of the answer of `tiny` to three messages.
fn decoder() -> Decoder {
    Decoder::new(&request(vec![asked(Vec::new(), None); 3]), reporter())
}

/// What a stream in those chunks becomes.
fn decode<'c>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<ProviderEvent>, Result<(), ProviderError>) {
    testing::decode(decoder(), Framing::Events, chunks)
}

/// A stream of candidates with these parts, each a list, and a last one that says why it ended.
fn stream(parts: &[&str], finish: &str) -> String {
    let event = |candidate: &str| format!("data: {{\"candidates\":[{candidate}]}}\r\n\r\n");
    let chunk =
        |parts: &&str| event(&format!(r#"{{"content":{{"parts":[{parts}],"role":"model"}}}}"#));
    let chunks: String = parts.iter().map(chunk).collect();
    chunks + &event(&format!(r#"{{"finishReason":"{finish}"}}"#))
}

/// Checks the events of a stream of these parts, without their `Started`.
fn check_parts(parts: &[&str], expected: &str) {
    check(&stream(parts, "STOP"), expected);
}

fn check(stream: &str, expected: &str) {
    let (events, ended) = decode([stream.as_bytes()]);
    assert!(ended.is_ok(), "{ended:?}");
    let shown = show(&events);
    let shown = shown.strip_prefix("started None None").unwrap_or(&shown).trim();
    assert_eq!(shown, expected.trim(), "{stream}");
}
