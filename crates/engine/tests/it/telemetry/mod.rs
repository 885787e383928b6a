//! What observers are told: spans, what they say, and what they never say.

mod content;
mod ends;
#[cfg(feature = "providers")]
mod keys;
mod links;
mod names;
mod turns;

use std::sync::Arc;

use branchwork::{Engine, Session, telemetry::Telemetry};
use branchwork_testkit::{Script, ScriptedProvider, SequentialIds, TestClock};

/// A session whose engine tells what `telemetry` says, and whose model answers with `scripts`.
async fn told(telemetry: Telemetry, scripts: impl IntoIterator<Item = Script>) -> Session {
    let provider = Arc::new(ScriptedProvider::new());
    scripts.into_iter().for_each(|script| provider.push(script));
    let engine = Engine::builder()
        .clock(Arc::new(TestClock::default()))
        .ids(Arc::new(SequentialIds::default()))
        .telemetry(telemetry)
        .build();
    let builder = engine.session("trip").provider("local", provider);
    builder.model("tiny").create().await.unwrap()
}
