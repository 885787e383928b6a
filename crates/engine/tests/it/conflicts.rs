//! Two engines on one store stand for two processes: one wins, nothing is lost.

use std::sync::Arc;

use branchwork::{
    Engine, Error, RandomIds, TurnEvent,
    core::{
        message::Status,
        provider::Finish,
        store::{MemoryStore, Store},
    },
};
use branchwork_testkit::{Gate, Script, ScriptedProvider};
use futures_util::StreamExt as _;

use crate::support::{says, texts};

/// Two engines over one store, with the same provider.
fn two_engines(provider: &Arc<ScriptedProvider>) -> (Engine, Engine) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = || {
        let engine =
            Engine::builder().store(Arc::clone(&store)).ids(Arc::new(RandomIds::default())).build();
        engine.register("local", Arc::clone(provider) as _);
        engine
    };
    (engine(), engine())
}

#[tokio::test]
async fn the_loser_of_a_race_is_told_catches_up_and_can_go_on() {
    let provider = Arc::new(ScriptedProvider::new());
    let (left, right) = two_engines(&provider);
    let ours = left.session("trip").create().await.unwrap().default_branch();
    let theirs = right.open_session("trip").await.unwrap().default_branch();
    ours.append(says("1")).await.unwrap();
    assert_eq!(texts(&theirs).await, ["1"]);
    ours.append(says("2")).await.unwrap();
    let lost = theirs.append(says("3")).await.unwrap_err();
    assert!(lost.is_head_moved() && lost.is_retryable(), "{lost:?}");
    theirs.append(says("3")).await.unwrap();
    assert_eq!(texts(&ours).await, ["1", "2", "3"]);
    assert_eq!(texts(&theirs).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn an_answer_whose_branch_was_moved_is_kept_on_a_branch_of_its_own() {
    let gate = Gate::new();
    let script =
        Script::new().with_start().with_gate(&gate).with_text("late").with_end(Finish::Stop);
    let provider = Arc::new(ScriptedProvider::new().with_script(script));
    let (left, right) = two_engines(&provider);
    let session = left.session("trip").model("local:tiny").create().await.unwrap();
    let ours = session.default_branch();
    let mut stream = ours.chat("q").stream();
    assert!(matches!(stream.next().await, Some(Ok(TurnEvent::Started { .. }))));
    let theirs = right.open_session("trip").await.unwrap().default_branch();
    theirs.append(says("meanwhile")).await.unwrap();
    gate.release();
    let error = loop {
        match stream.next().await {
            Some(Err(error)) => break error,
            Some(Ok(_)) => {}
            None => panic!("the turn ended well"),
        }
    };
    let Error::MovedMeanwhile { kept_on } = error else { panic!("{error:?}") };
    let kept = session.branch(&kept_on).await.unwrap();
    assert_eq!(texts(&kept).await, ["q", "late"]);
    assert_eq!(texts(&ours).await, ["q", "", "meanwhile"]);
    kept.undo().await.unwrap();
    assert_eq!(texts(&kept).await, ["q"], "the branch was made with the question");
    let verified = left.verify().await.unwrap();
    assert_eq!(verified.problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_turn_that_another_process_cut_off_is_found_and_closed() {
    let provider = Arc::new(ScriptedProvider::new().with_script(Script::text("a")));
    let (left, right) = two_engines(&provider);
    let session = left.session("trip").model("local:tiny").create().await.unwrap();
    let mut stream = session.default_branch().chat("q").stream();
    assert!(matches!(stream.next().await, Some(Ok(TurnEvent::Started { .. }))));
    // What a crash leaves: an instruction, and nobody who waits for its answer.
    std::mem::forget(stream);
    let main = right.open_session("trip").await.unwrap().default_branch();
    assert_eq!(texts(&main).await, ["q"]);
    main.chat("next").await.unwrap();
    assert_eq!(texts(&main).await, ["q", "", "next", "a"]);
    let view = main.view().await.unwrap();
    let statuses: Vec<_> = view.messages().map(|message| message.status).collect();
    assert_eq!(statuses[1], Status::Interrupted);
    assert_eq!(provider.requests()[0].messages.len(), 3);
}

#[tokio::test]
async fn a_turn_that_was_cut_off_can_be_answered_by_a_retry() {
    let provider = Arc::new(ScriptedProvider::new().with_script(Script::text("a")));
    let (left, right) = two_engines(&provider);
    let session = left.session("trip").model("local:tiny").create().await.unwrap();
    let mut stream = session.default_branch().chat("q").stream();
    assert!(matches!(stream.next().await, Some(Ok(TurnEvent::Started { .. }))));
    std::mem::forget(stream);
    let main = right.open_session("trip").await.unwrap().default_branch();
    assert_eq!(main.retry().await.unwrap().text, "a");
    assert_eq!(texts(&main).await, ["q", "a"]);
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, Vec::<String>::new(), "the whole turn is one step");
}
