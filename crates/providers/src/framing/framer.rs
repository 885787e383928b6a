//! The incremental framer of server-sent events, and of JSON line by line.
//!
//! An event that lies whole in one chunk of the network is handed on without a copy. More is read
//! than the standard allows, because servers send it: a last event without the blank line after
//! it, JSON without `data:`, and the field `error:`.

use std::mem;

use branchwork_core::{limits::STREAM_EVENT_BYTES_MAX, provider::ProviderError};

/// How a stream is cut into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Framing {
    /// Server-sent events: a frame is an event.
    #[default]
    Events,
    /// A frame is a line.
    Lines,
}

/// What a line of server-sent events begins with; no JSON does.
const BEGINNINGS: [&[u8]; 6] = [b"data:", b"event:", b"error:", b"id:", b"retry:", b":"];

/// Whether `body` is a stream of server-sent events, whatever its server calls it.
pub(crate) fn is_stream(body: &[u8]) -> bool {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii_start();
    BEGINNINGS.iter().any(|beginning| body.starts_with(beginning))
}

/// May stand at the beginning of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// Its data; the lines of it are joined by a line break.
    pub(crate) data: &'a [u8],
    /// Whether the server calls it an error.
    pub(crate) is_error: bool,
}

/// Cuts a stream into events. The same bytes give the same events wherever they are split.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    framing: Framing,
    /// The beginning of a line whose end has not come yet.
    tail: Vec<u8>,
    /// The data of an event that began in an earlier chunk or has several lines.
    data: Vec<u8>,
    data_lines: usize,
    is_error: bool,
    /// The last byte was a carriage return: a line feed right after it belongs to it.
    after_return: bool,
    /// Lines read so far: the first may begin with a byte order mark.
    lines: u64,
}

/// What one line says.
enum Line<'l> {
    End,
    Data(&'l [u8]),
    Other,
}

impl Framer {
    /// One that cuts as `framing` says.
    pub(crate) fn new(framing: Framing) -> Self {
        Self { framing, ..Self::default() }
    }

    /// Takes the next bytes and gives `sink` the events that end in them.
    ///
    /// # Errors
    ///
    /// What `sink` fails with, and [`ProviderError::Malformed`] for an event above the limit.
    pub(crate) fn push(
        &mut self,
        chunk: &[u8],
        mut sink: impl FnMut(Frame<'_>) -> Result<(), ProviderError>,
    ) -> Result<(), ProviderError> {
        let mut rest = self.without_line_feed(chunk);
        if !self.tail.is_empty() {
            let Some((end, after)) = self.split_line(rest) else { return self.keep(rest) };
            self.keep(end)?;
            rest = after;
            self.take_tail(&mut sink)?;
        }
        // The only data line of the event so far, still where it came.
        let mut held = None;
        while let Some((line, after)) = self.split_line(rest) {
            rest = after;
            match self.read(line) {
                Line::End => self.dispatch(held.take(), &mut sink)?,
                Line::Data(data) if self.framing == Framing::Lines => {
                    self.dispatch(Some(data), &mut sink)?;
                }
                Line::Data(data) if held.is_none() && self.data_lines == 0 => held = Some(data),
                Line::Data(data) => {
                    held.take().map_or(Ok(()), |first| self.append(first))?;
                    self.append(data)?;
                }
                Line::Other => {}
            }
        }
        if let Some(data) = held {
            self.append(data)?;
        }
        self.keep(rest)
    }

    /// Gives `sink` what the stream ended in the middle of, if anything.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    pub(crate) fn finish(
        &mut self,
        mut sink: impl FnMut(Frame<'_>) -> Result<(), ProviderError>,
    ) -> Result<(), ProviderError> {
        if !self.tail.is_empty() {
            self.take_tail(&mut sink)?;
        }
        self.dispatch(None, &mut sink)
    }

    /// Reads the line that lies in the tail.
    fn take_tail(
        &mut self,
        sink: &mut impl FnMut(Frame<'_>) -> Result<(), ProviderError>,
    ) -> Result<(), ProviderError> {
        let mut line = mem::take(&mut self.tail);
        let taken = match self.read(&line) {
            Line::End => self.dispatch(None, sink),
            Line::Data(data) if self.framing == Framing::Lines => self.dispatch(Some(data), sink),
            Line::Data(data) => self.append(data),
            Line::Other => Ok(()),
        };
        line.clear();
        self.tail = line;
        taken
    }

    /// `chunk` without the line feed that belongs to a carriage return of the chunk before.
    fn without_line_feed<'b>(&mut self, chunk: &'b [u8]) -> &'b [u8] {
        if chunk.is_empty() || !mem::take(&mut self.after_return) {
            return chunk;
        }
        chunk.strip_prefix(b"\n").unwrap_or(chunk)
    }

    /// The first line of `bytes` and what follows it; `None` when it does not end in `bytes`.
    fn split_line<'b>(&mut self, bytes: &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let end = memchr::memchr2(b'\n', b'\r', bytes)?;
        let (line, rest) = bytes.split_at_checked(end)?;
        let ([b'\r', b'\n', rest @ ..] | [_, rest @ ..]) = rest else { return None };
        self.after_return = rest.is_empty() && bytes.ends_with(b"\r");
        Some((line, rest))
    }

    fn read<'l>(&mut self, line: &'l [u8]) -> Line<'l> {
        let is_first = self.lines == 0;
        self.lines += 1;
        let line = if is_first { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        if self.framing == Framing::Lines {
            return if line.trim_ascii().is_empty() { Line::Other } else { Line::Data(line) };
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            return Line::Data(without_space(value));
        }
        match line {
            [] => return Line::End,
            b"data" => return Line::Data(&[]),
            [b'{', ..] => return Line::Data(line),
            _ => {}
        }
        if let Some(value) = line.strip_prefix(b"error:") {
            self.is_error = true;
            return Line::Data(without_space(value));
        }
        if line.strip_prefix(b"event:").is_some_and(|name| name.trim_ascii() == b"error") {
            self.is_error = true;
        }
        Line::Other
    }

    fn dispatch(
        &mut self,
        held: Option<&[u8]>,
        sink: &mut impl FnMut(Frame<'_>) -> Result<(), ProviderError>,
    ) -> Result<(), ProviderError> {
        let is_error = mem::take(&mut self.is_error);
        if let Some(data) = held {
            within_limit(data.len())?;
            return sink(Frame { data, is_error });
        }
        if mem::take(&mut self.data_lines) == 0 {
            return Ok(());
        }
        let sunk = sink(Frame { data: &self.data, is_error });
        self.data.clear();
        sunk
    }

    fn append(&mut self, data: &[u8]) -> Result<(), ProviderError> {
        if self.data_lines > 0 {
            self.data.push(b'\n');
        }
        self.data_lines += 1;
        within_limit(self.data.len() + data.len())?;
        self.data.extend_from_slice(data);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), ProviderError> {
        within_limit(self.tail.len() + bytes.len())?;
        self.tail.extend_from_slice(bytes);
        Ok(())
    }
}

fn without_space(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}

fn within_limit(bytes: usize) -> Result<(), ProviderError> {
    if bytes <= STREAM_EVENT_BYTES_MAX {
        return Ok(());
    }
    let detail = format!("an event of the stream is longer than {STREAM_EVENT_BYTES_MAX} bytes");
    Err(ProviderError::Malformed { detail })
}
