//! Streams cut into events and lines, held against a plain reading of the whole.

use branchwork_core::provider::ProviderError;
use branchwork_providers::fuzzing::{self, Said};

use crate::{Target, cuts, memory, seeds};

/// Streams of events, and of lines.
pub struct Streams;

impl Target for Streams {
    fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = seeds::recorded(&["", "responses", "anthropic", "gemini", "ollama"]);
        seeds.extend(
            [
                "data: a\r\n\r\ndata:b\ndata\n: c\n\nevent: error\ndata: d\n\nerror: e\n\n",
                "\u{feff}data: a\r\rdata: b\n\r\n{\"c\":1}\n\n",
                " {\"a\":1}\r\n\n\r{\"b\":2}",
            ]
            .map(|stream| stream.as_bytes().to_vec()),
        );
        seeds
    }

    fn check(data: &[u8]) {
        check(data, fuzzing::events, &events(data));
        check(data, fuzzing::lines, &lines(data));
    }
}

/// Checks that `framed` makes what is expected of `data`, wherever it is cut.
fn check(data: &[u8], framed: fn(&[&[u8]]) -> Result<Vec<Said>, ProviderError>, expected: &[Said]) {
    let framed = |pieces: &[&[u8]]| framed(pieces).expect("no event is too long");
    let (whole, held) = memory::measured(|| framed(&[data]));
    assert_eq!(whole, expected);
    // The frames themselves, the tail and the event that is put together; vectors grow twofold.
    assert!(held <= 8 * data.len() + 64 * 1024 + 128 * expected.len(), "{held} bytes are held");
    for pieces in cuts::ways(data) {
        assert_eq!(framed(&pieces), expected, "cut into {}", pieces.len());
    }
}

/// The lines of a stream, without their ends; the last one, when it is empty, is none.
fn split(data: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        lines.push(&rest[..end]);
        rest = &rest[end..];
        rest = rest.strip_prefix(b"\r\n").or_else(|| rest.get(1..)).unwrap_or_default();
    }
    if let Some(first) = lines.first_mut() {
        *first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    }
    lines
}

/// The frames of a stream of lines.
fn lines(data: &[u8]) -> Vec<Said> {
    let is_blank = |line: &&[u8]| line.iter().all(u8::is_ascii_whitespace);
    split(data)
        .into_iter()
        .filter(|line| !is_blank(line))
        .map(|line| (line.to_vec(), false))
        .collect()
}

/// The frames of a stream of events, by the standard and what is read beyond it.
fn events(data: &[u8]) -> Vec<Said> {
    let mut frames = Vec::new();
    let (mut said, mut is_error) = (Vec::<&[u8]>::new(), false);
    // What the stream ends in the middle of is an event, too.
    for line in split(data).into_iter().chain([&b""[..]]) {
        let name_end = line.iter().position(|byte| *byte == b':');
        let (name, value) = match name_end {
            Some(end) => (&line[..end], &line[end + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            _ if line.is_empty() => {
                if !said.is_empty() {
                    frames.push((said.join(&b'\n'), is_error));
                }
                (said, is_error) = (Vec::new(), false);
            }
            _ if line.starts_with(b"{") => said.push(line),
            b"data" => said.push(value),
            b"error" if name_end.is_some() => {
                is_error = true;
                said.push(value);
            }
            b"event" => is_error |= value.trim_ascii() == b"error",
            _ => {}
        }
    }
    frames
}
