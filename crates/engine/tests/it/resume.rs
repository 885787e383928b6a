//! Turns that were cut off: they go on where they were, and nothing that is done is done again.

use std::{collections::BTreeMap, sync::Arc};

use branchwork::{
    Branch, Error, TurnEvent,
    core::{
        message::{Body, CallId, Outcome, Role, Status},
        store::{MemoryStore, Store},
        tool::{ToolEffect, ToolSelection},
        turn::TurnLimits,
    },
    sqlite::SqliteStore,
    tools::{FunctionTool, ToolError},
};
use branchwork_testkit::{DisturbedStore, Gate, Moment};
use futures_util::StreamExt as _;

use crate::{
    support::{says, texts},
    work::{Nothing, Ran, assert_legal, open, process, tool},
};

/// Lets a process die at one commit of a turn, and another go on. Answers whether the first one died.
async fn die_and_resume(store: Arc<dyn Store>, dies_at: u64, moment: Moment) -> bool {
    let ran = Ran::default();
    let (engine, _) = process(Arc::clone(&store));
    engine.session("work").model("local:tiny").create().await.unwrap();
    let dying = Arc::new(DisturbedStore::dying(Arc::clone(&store), dies_at, moment));
    let (first, asked_before) = process(Arc::clone(&dying) as _);
    let main = open(&first, &ran).await;
    let chat = main.chat("work").with_tools(ToolSelection::All);
    let place = format!("commit {dies_at}, {moment:?}");
    if let Ok(reply) = chat.await {
        assert_eq!(reply.text, "done", "{place}");
        assert!(!dying.is_disturbed(), "{place}");
        return false;
    }
    let (second, asked_after) = process(Arc::clone(&store));
    let main = open(&second, &ran).await;
    let is_begun = !texts(&main).await.is_empty();
    assert_eq!(main.is_cut_off().await.unwrap(), is_begun && !ended(&main).await, "{place}");
    let reply = match main.resume().with_tools(ToolSelection::All).await {
        Ok(reply) => Some(reply),
        Err(Error::NothingToResume) => None,
        Err(error) => panic!("{place}: {error}"),
    };
    assert_eq!(reply.is_some(), is_begun && reply.is_some(), "{place}");
    check(&main, &ran, &place).await;
    // An answer that was kept is not asked for again.
    let answers = answers(&main).await;
    let asked = asked_before.requests().len() + asked_after.requests().len();
    assert!(asked <= answers + 1, "{place}: {asked} requests for {answers} answers");
    assert!(second.verify().await.unwrap().problems.is_empty(), "{place}");
    true
}

async fn ended(main: &Branch) -> bool {
    main.view().await.unwrap().last_step().is_none_or(branchwork::core::graph::Step::ends)
}

async fn answers(main: &Branch) -> usize {
    let view = main.view().await.unwrap();
    view.messages().filter(|message| message.role() == Role::Assistant).count()
}

/// Whatever happened: the history is legal and ended, and nothing that must not happen twice did.
async fn check(main: &Branch, ran: &Ran, place: &str) {
    let view = main.view().await.unwrap();
    assert!(view.open_calls().is_empty(), "{place}");
    assert!(!main.is_cut_off().await.unwrap(), "{place}");
    assert_legal(&view, place);
    let mut results = BTreeMap::new();
    for message in view.messages() {
        if let Body::ActionResponse { call, outcome, .. } = &message.body {
            assert!(results.insert(call.clone(), outcome.clone()).is_none(), "{place}");
        }
    }
    for ((tool, call), count) in ran.lock().unwrap().iter() {
        let outcome = results.get(call);
        if tool == "once" {
            assert_eq!(*count, 1, "{place}: {call} ran again");
            continue;
        }
        let expected = Outcome::Succeeded(format!("{tool} {call}").into());
        assert_eq!(outcome, Some(&expected), "{place}: what may run again does");
    }
    for (call, outcome) in &results {
        let is_known = matches!(outcome, Outcome::Succeeded(_));
        assert!(is_known || *outcome == Outcome::Unknown, "{place}: {call} {outcome:?}");
    }
    if let Some(last) = view.last() {
        assert_eq!((last.text().as_str(), last.status), ("done", Status::Complete), "{place}");
    }
}

#[tokio::test]
async fn a_process_may_die_at_every_commit_of_a_turn() {
    for moment in [Moment::Before, Moment::After] {
        let mut commits = 0;
        while die_and_resume(Arc::new(MemoryStore::new()), commits + 1, moment).await {
            commits += 1;
        }
        // The question, two answers with their results one by one, the last answer.
        assert!(commits >= 7, "{commits}");
    }
}

#[tokio::test]
async fn a_file_brings_a_turn_back_as_the_memory_does() {
    let folder = tempfile::tempdir().unwrap();
    for (number, moment) in [(2, Moment::After), (4, Moment::Before), (4, Moment::After)] {
        let store = SqliteStore::open(folder.path().join(format!("{number}{moment:?}.db")));
        assert!(die_and_resume(Arc::new(store.unwrap()), number, moment).await);
    }
}

#[tokio::test]
async fn what_ended_before_an_earlier_call_is_kept_when_the_process_goes() {
    let (store, ran) = (Arc::new(MemoryStore::new()), Ran::default());
    let (first, _) = process(Arc::clone(&store) as _);
    let session = first.session("work").model("local:tiny").create().await.unwrap();
    let gate = Gate::new();
    let inside = gate.clone();
    let waits = FunctionTool::new("once", "Waits.", move |_: Nothing| {
        let gate = inside.clone();
        async move {
            gate.pass().await;
            Ok::<_, ToolError>(())
        }
    });
    session.register(waits).unwrap();
    session.register(tool("look", ToolEffect::AtMostOnce, &ran)).unwrap();
    session.register(tool("put", ToolEffect::AtMostOnce, &ran)).unwrap();
    let main = session.default_branch();
    let mut stream = main.chat("work").with_tools(ToolSelection::All).stream();
    let mut completed = 0;
    while completed < 2 {
        let event = stream.next().await.unwrap().unwrap();
        completed += u32::from(matches!(event, TurnEvent::CallCompleted { .. }));
    }
    // The last one is being written: another reader sees when it is.
    let (second, _) = process(Arc::clone(&store) as _);
    let other = second.open_session("work").await.unwrap().default_branch();
    while other.view().await.unwrap().noted(&CallId::new("bb")).is_none() {
        tokio::select! {
            event = stream.next() => panic!("{event:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    // The process is gone: nothing of it runs on.
    std::mem::forget(stream);
    let reply = other.resume().with_tools(ToolSelection::None).await.unwrap();
    let outcomes: Vec<_> = reply.results.iter().map(|result| result.text()).collect();
    assert_eq!(outcomes[0], Outcome::Unknown.text());
    assert_eq!(outcomes[1..3], ["look bb", "put cccc"]);
}

#[tokio::test]
async fn only_what_was_cut_off_is_resumed_and_limits_go_on_counting() {
    let (store, ran) = (Arc::new(MemoryStore::new()), Ran::default());
    let (engine, _) = process(Arc::clone(&store) as _);
    engine.session("work").model("local:tiny").create().await.unwrap();
    let main = open(&engine, &ran).await;
    assert!(matches!(main.resume().await, Err(Error::NothingToResume)));
    main.append(says("hello")).await.unwrap();
    assert!(matches!(main.resume().await, Err(Error::NothingToResume)));
    assert!(!main.is_cut_off().await.unwrap());
    // Cut off once the results of the first round are durable.
    let dying = DisturbedStore::dying(Arc::clone(&store) as _, 5, Moment::After);
    let (first, _) = process(Arc::new(dying));
    let chat = open(&first, &ran).await.chat("work").with_tools(ToolSelection::All);
    drop(chat.await.unwrap_err());
    let (second, provider) = process(Arc::clone(&store) as _);
    let main = open(&second, &ran).await;
    let limits = TurnLimits::new().with_rounds(2);
    let reply = main.resume().with_tools(ToolSelection::All).with_limits(limits).await.unwrap();
    assert_eq!((reply.rounds, provider.requests().len()), (2, 1));
    assert!(reply.limit.is_some());
}
