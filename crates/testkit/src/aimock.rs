//! The peer `aimock`, which others wrote: a server of all five protocols, with answers out of a file.

use serde_json::{Value, json};

use crate::{admin, xtask};

/// What it answers, by words of the last question: `aimock.json` beside this file.
const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/aimock.json");

/// The header that tells one test from another, for a peer that all share.
pub const TEST: &str = "x-test-id";

/// A peer that runs. It ends with this process.
#[derive(Debug)]
pub struct Aimock {
    url: String,
}

/// A request that came.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The path, which tells the protocol.
    pub path: String,
    /// What was answered.
    pub status: u64,
    /// The request as the peer understood it: in the words of the Chat Completions protocol, whichever
    /// it came in.
    pub body: Value,
}

impl Aimock {
    /// Starts the peer by `cargo xtask`.
    ///
    /// # Panics
    ///
    /// When it does not start: with what it said.
    pub fn start() -> Self {
        let process = std::process::id().to_string();
        let name = format!("aimock-{process}");
        let own = ["peer", "start", "aimock", "--answers", ANSWERS];
        let run = ["--state-name", &name, "--owner-pid", &process];
        let url = xtask(&[&own[..], &run].concat());
        Self { url: url.trim_end_matches("/v1").to_owned() }
    }

    /// Its address, without a path: each protocol has its own.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What came with `test` in the header [`TEST`], in order.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn asked(&self, test: &str) -> Vec<Asked> {
        let path = format!("/__aimock/journal?testId={test}");
        let journal = admin::ask(&self.url, "GET", &path, &json!({})).await;
        let entries = journal.as_array().expect("it is a list").iter();
        let of = |entry: &Value, place: &str| entry.pointer(place).cloned().unwrap_or_default();
        let asked = entries.map(|entry| Asked {
            path: of(entry, "/path").as_str().unwrap_or_default().to_owned(),
            status: of(entry, "/response/status").as_u64().unwrap_or_default(),
            body: of(entry, "/body"),
        });
        asked.collect()
    }
}
