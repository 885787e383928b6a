//! What the decoder makes of recorded answers, and of what servers get wrong.

mod blocks;
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
    let mut asked = testing::request(Vec::new());
    asked.config.model = Some("opus".to_owned());
    Decoder::new(reporter(), &asked)
}

/// What a stream in those chunks becomes.
fn decode<'c>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<ProviderEvent>, Result<(), ProviderError>) {
    testing::decode(decoder(), Framing::Events, chunks)
}

/// Checks the events of a stream of these events, without their `Started`.
fn check(lines: &[&str], expected: &str) {
    let (events, ended) = decode([stream(lines).as_bytes()]);
    assert!(ended.is_ok(), "{ended:?}");
    let shown = show(&events);
    let shown = shown.strip_prefix("started None None").unwrap_or(&shown).trim();
    assert_eq!(shown, expected.trim(), "{lines:?}");
}

/// A stream of these events, from the beginning to the end mark.
fn stream(lines: &[&str]) -> String {
    let head = [r#"{"type":"message_start","message":{}}"#];
    let tail = [
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let lines = head.iter().chain(lines).chain(&tail);
    lines.flat_map(|line| ["data: ", line, "\n\n"]).collect()
}

/// The beginning of a block.
fn start(index: u64, block: &str) -> String {
    format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#)
}

/// More of a block.
fn delta(index: u64, delta: &str) -> String {
    format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#)
}

/// The end of a block.
fn stop(index: u64) -> String {
    format!(r#"{{"type":"content_block_stop","index":{index}}}"#)
}
