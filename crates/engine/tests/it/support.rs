//! What the tests of the engine share.

use std::sync::Arc;

use branchwork::{
    Branch, Engine, Session,
    archive::{ImportOptions, Imported},
    core::{
        mail::{Delivery, MailQuery},
        message::{Body, Draft},
        store::{MemoryStore, Store},
    },
};
use branchwork_testkit::{Script, ScriptedProvider, SequentialIds, TestClock};

/// An engine with counted identifiers and a clock that only tests move.
pub(crate) fn engine_over(store: Arc<dyn Store>) -> Engine {
    engine_at(store, Arc::new(TestClock::default()))
}

/// The same with a clock that the test moves.
pub(crate) fn engine_at(store: Arc<dyn Store>, clock: Arc<TestClock>) -> Engine {
    Engine::builder().store(store).clock(clock).ids(Arc::new(SequentialIds::default())).build()
}

/// A session in memory whose clock the test moves.
pub(crate) async fn timed() -> (Session, Arc<TestClock>) {
    let clock = Arc::new(TestClock::new());
    let engine = engine_at(Arc::new(MemoryStore::new()), Arc::clone(&clock));
    (engine.session("trip").create().await.unwrap(), clock)
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

/// All mail in its order, without the numbers that it has in its store.
pub(crate) async fn mail(session: &Session) -> Vec<Delivery> {
    let mut mail = session.mail(&MailQuery::new()).await.unwrap();
    for delivery in &mut mail {
        delivery.no = 0;
    }
    mail
}

/// The archive of a whole session.
pub(crate) async fn export(session: &Session) -> Vec<u8> {
    let mut archive = Vec::new();
    session.export(&mut archive).await.unwrap();
    archive
}

/// Imports an archive that can be imported.
pub(crate) async fn import(engine: &Engine, archive: &[u8]) -> Imported {
    engine.import(&mut &archive[..], &ImportOptions::new()).await.unwrap()
}
