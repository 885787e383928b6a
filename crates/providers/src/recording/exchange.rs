//! One request and what came of it.

use std::{fmt, time::Duration};

/// Is told of what goes over the wire, once it is over. Object-safe; shared by `Arc`.
///
/// It is called by whoever reads the answer, also when that is dropped half-way: it should not take long,
/// and it cannot fail the call.
pub trait Recorder: fmt::Debug + Send + Sync + 'static {
    /// Takes an exchange, in which no key is left.
    fn record(&self, exchange: Exchange);
}

/// One request and what came of it. Keys are taken out of all of it; what was said is in it as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// `GET` or `POST`.
    pub method: String,
    /// Where it went.
    pub url: String,
    /// The headers that were set, without those that the client adds by itself.
    pub request_headers: Vec<(String, String)>,
    /// The body that was sent.
    pub request_body: String,
    /// The status of the answer; `None` when none came.
    pub status: Option<u16>,
    /// The headers of the answer.
    pub response_headers: Vec<(String, String)>,
    /// The body of the answer, as it came.
    pub pieces: Vec<Piece>,
    /// How it ended.
    pub ended: Ended,
    /// How long it took, from when it was sent.
    pub took: Duration,
}

impl Exchange {
    /// One of which nothing was heard yet.
    pub(super) const fn of(method: String, url: String) -> Self {
        Self {
            method,
            url,
            request_headers: Vec::new(),
            request_body: String::new(),
            status: None,
            response_headers: Vec::new(),
            pieces: Vec::new(),
            ended: Ended::Dropped,
            took: Duration::ZERO,
        }
    }
}

/// A piece of a body, as the network gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece {
    /// When it came, from when the request was sent.
    pub at: Duration,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The body was read to its end.
    Whole,
    /// It broke off, for this reason.
    Broken(String),
    /// Whoever read it stopped: it had all that it wanted, or the call was stopped.
    Dropped,
    /// It is longer than is kept: the rest was read and is not here.
    Cut,
    /// It spells a key, and is not here.
    Withheld,
    /// No answer came, for this reason.
    Unanswered(String),
}
