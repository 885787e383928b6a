//! Turns that were cut off: they go on where they were, and nothing that is done is done again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use branchwork::{
    Branch, Engine, Error, TurnEvent,
    core::{
        message::{Body, CallId, Outcome, Role, Status},
        provider::ModelRequest,
        store::{MemoryStore, Store},
        tool::{ToolEffect, ToolSelection},
        turn::TurnLimits,
    },
    sqlite::SqliteStore,
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{CrashingStore, Gate, Moment, Script, ScriptedProvider};
use futures_util::StreamExt as _;
use serde::Deserialize;

use crate::support::{says, texts};

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// How often each call ran, by tool and call.
type Ran = Arc<Mutex<BTreeMap<(String, CallId), u32>>>;

/// A tool that notes each run.
fn tool(name: &'static str, effect: ToolEffect, ran: &Ran) -> FunctionTool {
    let ran = Arc::clone(ran);
    let run = move |_: Nothing, context: branchwork::tools::ToolContext| {
        *ran.lock().unwrap().entry((name.to_owned(), context.call.clone())).or_default() += 1;
        async move {
            // Calls end in another order than they begin.
            for _ in 0..(context.call.as_str().len() % 3) {
                tokio::task::yield_now().await;
            }
            Ok::<_, ToolError>(format!("{name} {}", context.call))
        }
    };
    FunctionTool::with_context(name, "Notes that it ran.", run).with_effect(effect)
}

/// What the model says, by how often it has answered already.
fn answer(request: &ModelRequest) -> Script {
    let asked = request.messages.iter().rposition(|message| message.role() == Role::User);
    let since = request.messages.iter().skip(asked.unwrap_or_default());
    let rounds = since.filter(|message| matches!(message.body, Body::ActionRequest { .. })).count();
    match rounds {
        0 => Script::calls([("a", "once", "{}"), ("bb", "look", "{}"), ("cccc", "put", "{}")]),
        1 => Script::calls([("d", "look", "{}"), ("ee", "once", "{}")]),
        _ => Script::text("done"),
    }
}

/// One process: an engine over `store` with the tools and the model.
fn process(store: Arc<dyn Store>) -> (Engine, Arc<ScriptedProvider>) {
    let engine = Engine::builder().store(store).build();
    let provider = Arc::new(ScriptedProvider::answering(answer));
    engine.register("local", Arc::clone(&provider) as _);
    (engine, provider)
}

async fn open(engine: &Engine, ran: &Ran) -> Branch {
    let session = engine.open_session("work").await.unwrap();
    for (name, effect) in [
        ("once", ToolEffect::AtMostOnce),
        ("look", ToolEffect::Pure),
        ("put", ToolEffect::Idempotent),
    ] {
        session.register(tool(name, effect, ran)).unwrap();
    }
    session.default_branch()
}

/// Lets a process die at one commit of a turn, and another go on. Answers whether the first one died.
async fn die_and_resume(store: Arc<dyn Store>, dies_at: u64, moment: Moment) -> bool {
    let ran = Ran::default();
    let (engine, _) = process(Arc::clone(&store));
    engine.session("work").model("local:tiny").create().await.unwrap();
    let dying = Arc::new(CrashingStore::new(Arc::clone(&store), dies_at, moment));
    let (first, asked_before) = process(Arc::clone(&dying) as _);
    let main = open(&first, &ran).await;
    let chat = main.chat("work").with_tools(ToolSelection::All);
    let place = format!("commit {dies_at}, {moment:?}");
    if let Ok(reply) = chat.await {
        assert_eq!(reply.text, "done", "{place}");
        assert!(!dying.is_dead(), "{place}");
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
    let mut results = BTreeMap::new();
    let mut order = Vec::new();
    for message in view.messages() {
        match &message.body {
            Body::ActionRequest { calls, .. } => {
                order = calls.iter().map(|call| call.id.clone()).collect();
            }
            Body::ActionResponse { call, outcome, .. } => {
                assert_eq!(
                    *call,
                    order.remove(0),
                    "{place}: results are in the order of the calls"
                );
                assert!(results.insert(call.clone(), outcome.clone()).is_none(), "{place}");
            }
            _ => {}
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
    let dying = CrashingStore::new(Arc::clone(&store) as _, 5, Moment::After);
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
