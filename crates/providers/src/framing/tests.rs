//! The framer, at every split of recorded and of hand-made streams.

use std::fs;

use branchwork_core::{limits::STREAM_EVENT_BYTES_MAX, provider::ProviderError};
use proptest::prelude::*;

use super::{Frame, Framer, Framing, is_stream};

/// What the framer makes of `chunks`: the data of each event, `!` before it when it is an error.
fn frames<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<String> {
    let mut framer = Framer::default();
    let mut frames = Vec::new();
    let mut sink = |frame: Frame<'_>| {
        let mark = if frame.is_error { "!" } else { "" };
        frames.push(format!("{mark}{}", String::from_utf8_lossy(frame.data)));
        Ok(())
    };
    for chunk in chunks {
        framer.push(chunk, &mut sink).expect("the events are short");
    }
    framer.finish(&mut sink).expect("the events are short");
    frames
}

/// Checks `stream` whole, split at each place, and byte by byte.
fn check(stream: &str, expected: &[&str]) {
    let stream = stream.as_bytes();
    assert_eq!(frames([stream]), expected, "whole");
    for at in 0..=stream.len() {
        let (left, right) = stream.split_at(at);
        assert_eq!(frames([left, right]), expected, "split at {at}");
    }
    assert_eq!(frames(stream.chunks(1)), expected, "byte by byte");
}

#[test]
fn line_ends_of_all_three_kinds_end_lines() {
    check("data: a\n\ndata: b\n\n", &["a", "b"]);
    check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
    check("data: a\r\rdata: b\r\r", &["a", "b"]);
    check("data: a\r\n\ndata: b\n\r\n", &["a", "b"]);
}

#[test]
fn comments_and_other_fields_are_passed_over() {
    check(": keep-alive\n\n:\n\nid: 7\nretry: 9\nevent: chunk\ndata: a\n\n", &["a"]);
    check("data\n\ndatum: b\n\n{not data: c\n\n", &["", "{not data: c"]);
}

#[test]
fn data_of_several_lines_is_joined_and_loses_one_space() {
    check("data:a\ndata:  b\n: between\ndata:\n\ndata:c\n\n", &["a\n b\n", "c"]);
}

#[test]
fn a_byte_order_mark_is_passed_over_at_the_start_only() {
    check("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["a"]);
    check("\u{feff}\n\ndata: b\n\n", &["b"]);
}

#[test]
fn a_stream_is_told_from_json_by_its_first_line() {
    for stream in [
        "data: {}",
        " \r\n\ndata:{}",
        "event: message_start\ndata: {}",
        ": ping\n\ndata: {}",
        "id: 7\ndata: {}",
        "retry: 9\n\n",
        "error: {}",
        "\u{feff}data: {}",
        "\u{feff}\n:\n",
    ] {
        assert!(is_stream(stream.as_bytes()), "{stream}");
    }
    for other in ["", " ", "{\"data\":1}", "[1]", "\"data: x\"", "<html>", "database: none", "null"]
    {
        assert!(!is_stream(other.as_bytes()), "{other}");
    }
}

#[test]
fn errors_are_marked_and_bare_json_is_data() {
    check("event: error\ndata: a\n\ndata: b\n\n", &["!a", "b"]);
    check("error: {\"code\":500}\n\n", &["!{\"code\":500}"]);
    check("{\"error\":\"x\"}\n", &["{\"error\":\"x\"}"]);
}

#[test]
fn a_last_event_needs_no_blank_line_and_no_line_end() {
    check("data: a\n\ndata: [DONE]", &["a", "[DONE]"]);
    check("data: a\n\ndata: [DONE]\n", &["a", "[DONE]"]);
    check("", &[]);
}

#[test]
fn an_event_above_the_limit_is_refused_in_one_chunk_or_in_many() {
    let long = format!("data: {}\n\n", "x".repeat(STREAM_EVENT_BYTES_MAX + 1));
    for size in [long.len(), 1 << 20] {
        let mut framer = Framer::default();
        let pushed = long.as_bytes().chunks(size).try_for_each(|c| framer.push(c, |_| Ok(())));
        assert!(matches!(pushed, Err(ProviderError::Malformed { .. })), "chunks of {size}");
    }
    // Nor does a line that never ends, or an event of many lines, take memory without end.
    for piece in [&b"x"[..], b"data: x\n"] {
        let block = piece.repeat(1 << 17);
        let mut framer = Framer::default();
        let mut pushes = (0..1_000).map(|_| framer.push(&block, |_| Ok(())));
        assert!(pushes.any(|pushed| pushed.is_err()));
    }
}

#[test]
fn recorded_streams_give_the_same_events_at_every_split() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut recorded = 0;
    for entry in fs::read_dir(directory).expect("the fixtures are there") {
        let path = entry.expect("the entry can be read").path();
        if path.extension().is_some_and(|extension| extension == "sse") {
            let stream = fs::read(&path).expect("the fixture can be read");
            let whole = frames([&stream[..]]);
            assert!(whole.len() > 2, "{path:?}");
            for at in 0..=stream.len() {
                let (left, right) = stream.split_at(at);
                assert_eq!(frames([left, right]), whole, "{path:?} at {at}");
            }
            assert_eq!(frames(stream.chunks(1)), whole, "{path:?}");
            recorded += 1;
        }
    }
    assert!(recorded >= 4);
}

proptest! {
    #[test]
    fn any_bytes_give_the_same_events_in_any_chunks(
        stream in "(data|event: error|error|:|\u{feff}|\\{|[ \r\n:ax]){0,60}",
        cuts in prop::collection::vec(0_usize..200, 0..6),
    ) {
        let stream = stream.as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
        prop_assert_eq!(frames(chunks), frames([stream]));
    }
}

#[test]
fn each_line_is_a_frame_where_lines_are_frames() {
    let stream = b"{\"a\":1}\n\r\n {\"b\":2}\r\n\n{\"c\":3}";
    let frames = |chunks: &[&[u8]]| {
        let (mut framer, mut frames) = (Framer::new(Framing::Lines), Vec::new());
        let mut sink = |frame: Frame<'_>| {
            frames.push(String::from_utf8_lossy(frame.data).into_owned());
            Ok(())
        };
        for chunk in chunks {
            framer.push(chunk, &mut sink).expect("the lines are short");
        }
        framer.finish(&mut sink).expect("the lines are short");
        frames
    };
    for at in 0..=stream.len() {
        let (left, right) = stream.split_at(at);
        let cut = frames(&[left, right]);
        assert_eq!(cut, ["{\"a\":1}", " {\"b\":2}", "{\"c\":3}"], "split at {at}");
    }
}
