//! What the tests of the engine share.

use std::sync::Arc;

use branchwork::{
    Branch, Engine, Session,
    core::{
        message::{Body, Draft},
        store::{MemoryStore, Store},
    },
};
use branchwork_testkit::{Script, ScriptedProvider, SequentialIds, TestClock};

/// An engine with counted identifiers and a clock that only tests move.
pub(crate) fn engine_over(store: Arc<dyn Store>) -> Engine {
    let clock = Arc::new(TestClock::default());
    Engine::builder().store(store).clock(clock).ids(Arc::new(SequentialIds::default())).build()
}

/// A session on a memory store whose model answers with `scripts`.
pub(crate) async fn session(
    scripts: impl IntoIterator<Item = Script>,
) -> (Session, Arc<ScriptedProvider>) {
    let provider = Arc::new(ScriptedProvider::new());
    for script in scripts {
        provider.push(script);
    }
    let engine = engine_over(Arc::new(MemoryStore::new()));
    let builder = engine.session("trip").provider("local", Arc::clone(&provider) as _);
    (builder.model("tiny").create().await.unwrap(), provider)
}

pub(crate) fn says(text: &str) -> Draft {
    Draft::new(Body::instruction(text))
}

/// The texts of a branch, oldest first.
pub(crate) async fn texts(branch: &Branch) -> Vec<String> {
    branch.view().await.unwrap().messages().map(|message| message.text()).collect()
}

/// Runs `work` to its end, for property tests.
pub(crate) fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

/// Fewer cases than in memory: every one makes a file.
#[cfg(feature = "sqlite")]
pub(crate) fn on_disk() -> proptest::prelude::ProptestConfig {
    proptest::prelude::ProptestConfig { cases: 32, ..Default::default() }
}
