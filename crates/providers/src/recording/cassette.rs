//! Answers from a recording, in place of the network.

use std::{
    io::{self, BufRead, Read as _},
    sync::{Mutex, PoisonError},
};

use super::{
    Exchange,
    file::RECORDING_BYTES_MAX,
    line::{Head, Line, MARK, VERSION},
};

/// What was recorded, to answer requests from: each exchange once, in their order.
///
/// A request is answered when its method, the path of its URL and its body are those of an exchange; the
/// server may be another one. Keys are not looked at: they are not in it.
///
/// ```
/// use std::sync::Arc;
///
/// use branchwork_providers::{Cassette, HttpOptions, HttpProvider};
///
/// let recording = b"{\"recording\":\"branchwork-wire\",\"version\":1}\n";
/// let cassette = Arc::new(Cassette::read(&mut &recording[..])?);
/// let options = HttpOptions::chat("localhost:8080")?.with_cassette(Arc::clone(&cassette));
/// let provider = HttpProvider::new(options)?; // asks nobody
/// assert_eq!(cassette.unplayed(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Cassette {
    // A std mutex: held to take an exchange.
    exchanges: Mutex<Vec<Option<Exchange>>>,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CassetteError {
    /// The file cannot be read.
    #[error("the recording cannot be read")]
    Io(#[from] io::Error),
    /// It is no recording, or one of a newer program.
    #[error("it {problem}")]
    Unknown {
        /// What is wrong with it.
        problem: String,
    },
    /// A line is damaged.
    #[error("line {number} {problem}")]
    Line {
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// It is longer than a recording becomes.
    #[error("the recording is longer than {max} bytes")]
    TooLong {
        /// How long one may be.
        max: u64,
    },
}

impl Cassette {
    /// Reads a recording whole.
    ///
    /// # Errors
    ///
    /// Each variant of [`CassetteError`].
    pub fn read(from: &mut dyn BufRead) -> Result<Self, CassetteError> {
        let mut lines = from.take(RECORDING_BYTES_MAX + 1);
        let mut line = Vec::new();
        let mut read = |line: &mut Vec<u8>| -> Result<bool, CassetteError> {
            line.clear();
            let is_more = lines.read_until(b'\n', line)? > 0;
            if lines.limit() == 0 {
                return Err(CassetteError::TooLong { max: RECORDING_BYTES_MAX });
            }
            Ok(is_more)
        };
        read(&mut line)?;
        check_head(&line)?;
        let mut exchanges = Vec::new();
        let mut number = 1;
        while read(&mut line)? {
            number += 1;
            let damaged = |problem: String| CassetteError::Line { number, problem };
            let line: Line = serde_json::from_slice(&line)
                .map_err(|error| damaged(format!("is no exchange: {error}")))?;
            let exchange =
                Exchange::try_from(line).map_err(|problem| damaged(problem.to_owned()))?;
            exchanges.push(Some(exchange));
        }
        Ok(Self { exchanges: Mutex::new(exchanges) })
    }

    /// How many exchanges were not asked for yet.
    pub fn unplayed(&self) -> usize {
        let exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        exchanges.iter().flatten().count()
    }

    /// Takes the exchange of a request.
    ///
    /// # Errors
    ///
    /// What is wrong, as a clause: which exchange is nearest, and where that differs.
    pub(crate) fn take(&self, method: &str, url: &str, body: &str) -> Result<Exchange, String> {
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        let is_place = |exchange: &Exchange| {
            exchange.method == method && path_of(&exchange.url) == path_of(url)
        };
        let is_asked = |slot: &&mut Option<Exchange>| {
            slot.as_ref().is_some_and(|one| is_place(one) && one.request_body == body)
        };
        if let Some(exchange) = exchanges.iter_mut().find(is_asked).and_then(Option::take) {
            return Ok(exchange);
        }
        let left =
            exchanges.iter().enumerate().filter_map(|(place, slot)| Some((place, slot.as_ref()?)));
        let nearest = left
            .filter(|(_, exchange)| is_place(exchange))
            .map(|(place, exchange)| (shared(&exchange.request_body, body), place))
            .max_by_key(|(shared, place)| (*shared, std::cmp::Reverse(*place)));
        Err(match nearest {
            Some((byte, place)) => {
                let number = place + 1;
                format!("it is not in the recording: exchange {number} differs from byte {byte} on")
            }
            None => "it is not in the recording, or was asked as often as it is".to_owned(),
        })
    }
}

fn check_head(line: &[u8]) -> Result<(), CassetteError> {
    let unknown = |problem: &str| CassetteError::Unknown { problem: problem.to_owned() };
    let head: Head = serde_json::from_slice(line)
        .map_err(|_no_head| unknown("does not begin as a recording"))?;
    if head.recording != MARK {
        return Err(unknown("is a recording of something else"));
    }
    if head.version != VERSION {
        let problem = format!("is a recording of version {}, {VERSION} is known", head.version);
        return Err(CassetteError::Unknown { problem });
    }
    Ok(())
}

/// What follows the host of a URL.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|place| rest.get(place..)).unwrap_or_default()
}

/// How many bytes both begin with.
fn shared(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}
