//! The lines of a recording, as `docs/reference/recording.md` tells them.

use std::{fmt::Write as _, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Ended, Exchange, Piece};

/// What the first line says it is.
pub(super) const MARK: &str = "branchwork-wire";

/// The version of the lines.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) recording: String,
    pub(super) version: u32,
}

/// One exchange.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    method: String,
    url: String,
    request: Request,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    ended: How,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    pieces: Vec<PieceLine>,
}

/// Text where it is some, else bytes as pairs of hexadecimal digits: a letter may be cut by the network.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PieceLine {
    ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    Whole,
    Broken,
    Dropped,
    Cut,
    Withheld,
    Unanswered,
}

impl From<Exchange> for Line {
    fn from(exchange: Exchange) -> Self {
        let (ended, problem) = match exchange.ended {
            Ended::Whole => (How::Whole, None),
            Ended::Broken(problem) => (How::Broken, Some(problem)),
            Ended::Dropped => (How::Dropped, None),
            Ended::Cut => (How::Cut, None),
            Ended::Withheld => (How::Withheld, None),
            Ended::Unanswered(problem) => (How::Unanswered, Some(problem)),
        };
        let pieces = exchange.pieces.into_iter().map(PieceLine::from).collect();
        let headers = exchange.response_headers;
        Self {
            method: exchange.method,
            url: exchange.url,
            request: Request { headers: exchange.request_headers, body: exchange.request_body },
            response: exchange.status.map(|status| Response { status, headers, pieces }),
            ended,
            problem,
            ms: millis(exchange.took),
        }
    }
}

impl TryFrom<Line> for Exchange {
    type Error = &'static str;

    fn try_from(line: Line) -> Result<Self, Self::Error> {
        let problem = line.problem.unwrap_or_default();
        let ended = match line.ended {
            How::Whole => Ended::Whole,
            How::Broken => Ended::Broken(problem),
            How::Dropped => Ended::Dropped,
            How::Cut => Ended::Cut,
            How::Withheld => Ended::Withheld,
            How::Unanswered => Ended::Unanswered(problem),
        };
        let (status, response_headers, pieces) = match line.response {
            Some(Response { status, headers, pieces }) => (Some(status), headers, pieces),
            None => (None, Vec::new(), Vec::new()),
        };
        let pieces = pieces.into_iter().map(Piece::try_from).collect::<Result<_, _>>()?;
        Ok(Self {
            method: line.method,
            url: line.url,
            request_headers: line.request.headers,
            request_body: line.request.body,
            status,
            response_headers,
            pieces,
            ended,
            took: Duration::from_millis(line.ms),
        })
    }
}

impl From<Piece> for PieceLine {
    fn from(Piece { at, bytes }: Piece) -> Self {
        let ms = millis(at);
        match String::from_utf8(bytes) {
            Ok(text) => Self { ms, text: Some(text), hex: None },
            Err(error) => Self { ms, text: None, hex: Some(hex(error.as_bytes())) },
        }
    }
}

impl TryFrom<PieceLine> for Piece {
    type Error = &'static str;

    fn try_from(line: PieceLine) -> Result<Self, Self::Error> {
        let bytes = match (line.text, line.hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(hex)) => {
                bytes(&hex).ok_or("has a piece whose `hex` is no pairs of hexadecimal digits")?
            }
            _ => return Err("has a piece without one of `text` and `hex`"),
        };
        Ok(Self { at: Duration::from_millis(line.ms), bytes })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}
