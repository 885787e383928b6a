//! Every protocol against a peer of another make that speaks all five.
//!
//! It answers out of a file, by words of the last question (`crates/testkit/src/aimock.json`), and refuses
//! what it has no answer for. Where it does otherwise than the servers it stands for, a test says so.

mod answers;
mod faults;
mod lists;

use std::sync::{Arc, OnceLock};

use branchwork_core::{
    message::Body,
    provider::{Finish, ModelRequest, Provider, ProviderError, ProviderEvent, Usage},
};
use branchwork_providers::{HttpOptions, HttpProvider, Protocol, Secret};
use branchwork_testkit::{Aimock, aimock::TEST};
use futures_util::StreamExt as _;
use serde_json::Value;

use super::listener::{provider, request};

/// The peer, which all tests share.
fn peer() -> &'static Aimock {
    static PEER: OnceLock<Aimock> = OnceLock::new();
    PEER.get_or_init(Aimock::start)
}

/// How the peer is asked in `protocol`; it counts what comes by `test` and protocol.
fn options(protocol: Protocol, test: &str) -> HttpOptions {
    let options = HttpOptions::new(protocol, peer().url()).expect("the address is good");
    let test = Secret::new(format!("{test}-{protocol}"));
    options.with_key(Secret::new("sk-test")).with_header(TEST, test)
}

/// What asks it.
fn asker(protocol: Protocol, test: &str) -> HttpProvider {
    provider(options(protocol, test))
}

/// The question `text`, for an answer that streams or comes whole.
fn question(text: &str, is_streamed: bool) -> ModelRequest {
    let mut request = request();
    let message = Arc::make_mut(&mut request.messages[0]);
    message.body = Body::instruction(text);
    request.config.max_tokens = Some(64);
    request.stream = is_streamed;
    request
}

/// Every protocol, for answers that stream and for those that come whole.
fn ways() -> impl Iterator<Item = (Protocol, bool)> {
    Protocol::ALL.into_iter().flat_map(|protocol| [(protocol, true), (protocol, false)])
}

/// What came of a call.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    model: Option<String>,
    text: String,
    /// How many pieces the text came in.
    pieces: usize,
    thoughts: String,
    /// The calls, each by function and arguments.
    calls: Vec<(String, String)>,
    ids: Vec<String>,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

impl Heard {
    fn take(&mut self, event: ProviderEvent) {
        assert_eq!(self.finish, None, "nothing comes behind the end: {event:?}");
        match event {
            ProviderEvent::Started { model, .. } => self.model = model,
            ProviderEvent::Text(text) => {
                self.text.push_str(&text);
                self.pieces += 1;
            }
            ProviderEvent::Reasoning(text) => self.thoughts.push_str(&text),
            ProviderEvent::CallStarted { index, id, function } => {
                assert_eq!(index as usize, self.calls.len());
                self.calls.push((function, String::new()));
                self.ids.push(id);
            }
            ProviderEvent::CallArguments { index, text } => {
                self.calls[index as usize].1.push_str(&text);
            }
            ProviderEvent::Usage(usage) => self.usage = Some(usage),
            ProviderEvent::Finished(finish) => self.finish = Some(finish),
            ProviderEvent::ReasoningEnded { .. } | ProviderEvent::Native(_) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
}

/// What is heard until the end, or until it fails.
async fn listen(asker: &dyn Provider, request: &ModelRequest) -> (Heard, Option<ProviderError>) {
    let mut heard = Heard::default();
    let mut events = match asker.call(request).await {
        Ok(events) => events,
        Err(error) => return (heard, Some(error)),
    };
    while let Some(event) = events.next().await {
        match event {
            Ok(ProviderEvent::Retried(_)) => heard = Heard::default(),
            Ok(event) => heard.take(event),
            Err(error) => return (heard, Some(error)),
        }
    }
    assert!(heard.finish.is_some(), "it ends with an end: {heard:?}");
    (heard, None)
}

/// What is heard when nothing fails.
async fn hear(asker: &dyn Provider, request: &ModelRequest) -> Heard {
    let (heard, error) = listen(asker, request).await;
    assert!(error.is_none(), "{error:?}");
    heard
}

/// How a call fails.
async fn failure(asker: &dyn Provider, request: &ModelRequest) -> (Heard, ProviderError) {
    let (heard, error) = listen(asker, request).await;
    let error = error.unwrap_or_else(|| panic!("it fails: {heard:?}"));
    assert_eq!(heard.finish, None, "a failure is no end");
    (heard, error)
}

/// The text as JSON.
fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
