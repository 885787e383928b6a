//! Answers without end: what is said is refused at a limit, and what is held stays bounded.
//!
//! An input is what comes first and what comes again and again, with a byte `FF` between them, which no
//! text has. Another one stands for a long text.

use branchwork_core::{
    limits::{MESSAGE_BYTES_MAX, STREAM_EVENT_BYTES_MAX},
    provider::{ProviderError, ProviderEvent},
};
use branchwork_providers::{Parser, Protocol};

use crate::{Target, answer, memory};

/// Bytes that come at once, as from a network.
const PIECE: usize = 256 * 1024;

/// Bytes that come in all: more than an answer may have.
const ALL: usize = MESSAGE_BYTES_MAX + 8 * 1024 * 1024;

/// What reading may hold: an answer's arguments, and an event as bytes, as text and as values of JSON.
const HELD: usize = 3 * MESSAGE_BYTES_MAX + 20 * STREAM_EVENT_BYTES_MAX;

/// A long text is made of this.
const FILLING: &[u8] = b"word ";

/// Inputs to begin with, `~` for the byte.
const SEEDS: [&str; 14] = [
    "data: ~word ",
    "~data: word\n",
    "~data: {\"choices\":[{\"delta\":{\"content\":\"~\"}}]}\n\n",
    "~data: {\"choices\":[{\"delta\":{\"reasoning_details\":[\"~\"]}}]}\n\n",
    "~data: {\"choices\":[{\"delta\":{},\"logprobs\":\"~\"}]}\n\n",
    "~data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"~\"}]}}]}\n\n",
    "~data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"~\"}\n\n",
    "~data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"other\",\"x\":\"~\"}}\n\n",
    "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"thinking\"}}\n\n~\
        data: {\"type\":\"content_block_delta\",\"delta\":{\"thinking\":\"~\"}}\n\n",
    "~data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"other\",\"x\":\"~\"}}\n\n",
    "~data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"~\"}]}}]}\n\n",
    "~data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\",\"thoughtSignature\":\"~\"}]}}]}\n\n",
    "~{\"model\":\"m\",\"message\":{\"content\":\"~\"}}\n",
    "~{\"model\":\"m\",\"message\":{\"images\":[\"~\"]}}\n",
];

/// Answers without end, in every protocol.
pub struct Endless;

impl Target for Endless {
    fn seeds() -> Vec<Vec<u8>> {
        let seed = |byte| if byte == b'~' { 0xff } else { byte };
        SEEDS.iter().map(|text| text.bytes().map(seed).collect()).collect()
    }

    fn check(data: &[u8]) {
        let pieces: Vec<&[u8]> = data.split(|byte| *byte == 0xff).collect();
        match *pieces.as_slice() {
            [first, before, after, ..] => {
                let long = FILLING.repeat(PIECE / FILLING.len());
                check_protocol(protocol_of(data), first, &[before, &long, after].concat());
            }
            [first, again] if !again.is_empty() => {
                let block = again.repeat(PIECE.div_ceil(again.len()));
                check_protocol(protocol_of(data), first, &block);
            }
            _ => {}
        }
    }
}

/// The protocol whose words are in `data`.
fn protocol_of(data: &[u8]) -> Protocol {
    let words = [&b"choices"[..], b"response.", b"content_block", b"candidates", b"message"];
    let has = |word: &[u8]| memchr::memmem::find(data, word).is_some();
    let spoken = words.iter().zip(Protocol::ALL).find(|(word, _)| has(word));
    spoken.map_or(Protocol::ALL[0], |(_, protocol)| protocol)
}

fn check_protocol(protocol: Protocol, first: &[u8], block: &[u8]) {
    let ((kept, ended), held) = memory::measured(|| read(protocol, first, block));
    assert!(held <= HELD, "{protocol}: {held} bytes are held");
    assert!(
        kept <= MESSAGE_BYTES_MAX + 2 * block.len() + first.len(),
        "{protocol}: {kept} bytes are kept"
    );
    assert!(ended.is_err() || kept <= MESSAGE_BYTES_MAX, "{protocol}: nothing ends it");
}

/// Reads what comes first, and then more and more; answers how many bytes its reader must keep.
fn read(protocol: Protocol, first: &[u8], block: &[u8]) -> (usize, Result<(), ProviderError>) {
    let mut parser = answer::parser(protocol, 1);
    let mut kept = 0;
    let mut ended = push(&mut parser, first, &mut kept);
    let mut came = first.len();
    while ended.is_ok() && came < ALL {
        ended = push(&mut parser, block, &mut kept);
        came += block.len();
    }
    (kept, ended)
}

fn push(parser: &mut Parser, bytes: &[u8], kept: &mut usize) -> Result<(), ProviderError> {
    let pushed = parser.push(bytes);
    *kept += parser.map(|event| size(&event)).sum::<usize>();
    pushed
}

/// Bytes that the reader of an answer keeps of an event.
fn size(event: &ProviderEvent) -> usize {
    match event {
        ProviderEvent::Text(text)
        | ProviderEvent::Reasoning(text)
        | ProviderEvent::CallArguments { text, .. } => text.len(),
        ProviderEvent::CallStarted { id, function, .. } => id.len() + function.len(),
        ProviderEvent::ReasoningDetail(value) | ProviderEvent::Logprobs(value) => text_len(value),
        ProviderEvent::Native(native) | ProviderEvent::ReasoningEnded { native: Some(native) } => {
            text_len(&native.block)
        }
        _ => 0,
    }
}

/// The letters of a value: the least that keeping it takes.
fn text_len(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(items) => items.iter().map(text_len).sum(),
        serde_json::Value::Object(fields) => {
            fields.iter().map(|(name, value)| name.len() + text_len(value)).sum()
        }
        _ => 0,
    }
}
