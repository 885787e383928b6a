//! What servers are sent for random histories, checked rule by rule by code that knows nothing of how it
//! was made.
//!
//! `BRANCHWORK_CASES=10000 cargo test -p branchwork-providers --test it legality` is the long run.

mod anthropic;
mod chat;
mod gemini;
mod ollama;
mod responses;

use std::{fmt::Display, sync::Arc};

use branchwork_core::{
    config::Config,
    message::Message,
    provider::{ModelRequest, ProviderError, RenderedRequest},
};
use proptest::prelude::ProptestConfig;

/// Histories that are tried unless the caller says otherwise.
const CASES: u32 = 256;

#[expect(clippy::disallowed_methods, reason = "how long the test takes is for its caller to say")]
fn cases() -> ProptestConfig {
    let cases = std::env::var("BRANCHWORK_CASES");
    ProptestConfig::with_cases(cases.map_or(CASES, |cases| cases.parse().expect("a number")))
}

/// What `model` is asked after `history`.
fn request(model: &str, history: &[Arc<Message>]) -> ModelRequest {
    let mut config = Config::default();
    config.model = Some(model.to_owned());
    ModelRequest::new(history.to_vec(), config)
}

/// What was rendered; `None` when that was refused for a history of which nothing is sent.
fn unless_it_says_nothing(
    rendered: Result<RenderedRequest, ProviderError>,
) -> Option<RenderedRequest> {
    match rendered {
        Err(error) if says_nothing(&error) => None,
        rendered => Some(rendered.expect("the protocol can say it")),
    }
}

fn says_nothing(error: &ProviderError) -> bool {
    error.detail() == "there is no message that could be answered"
}

/// That a rule holds, or what breaks it.
fn that<P: Display + ?Sized>(holds: bool, problem: &P) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem.to_string()) }
}
