use std::sync::Arc;

use branchwork::core::store::{MemoryStore, Store};
use branchwork_testkit::{DisturbedStore, Moment};

use crate::support::{engine_over, texts};

/// Of two processes that take in on one branch one is first, and the other takes in what is left.
#[tokio::test]
async fn who_is_second_to_receive_takes_in_what_is_left() {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let seed = engine_over(Arc::clone(&inner)).session("trip").create().await.unwrap();
    let main = seed.default_branch();
    let other = seed.create_branch("other").await.unwrap();
    other.send(&main, "one").await.unwrap();
    let second = Arc::clone(&inner);
    let deed = move || {
        let store = Arc::clone(&second);
        Box::pin(async move {
            let engine = branchwork::Engine::builder().store(store).build();
            let branch = engine.open_session("trip").await.unwrap().default_branch();
            branch.receive().await.unwrap();
        }) as futures_util::future::BoxFuture<'static, ()>
    };
    let store = Arc::new(DisturbedStore::meddled_with(inner, (1, Moment::Before), deed));
    let engine = branchwork::Engine::builder().store(store).build();
    let main = engine.open_session("trip").await.unwrap().default_branch();
    let received = main.receive().await;
    assert!(received.is_ok(), "{received:?}");
    assert_eq!(texts(&main).await, ["one"]);
}
