//! Calls that a person is asked about: they wait in the store, and run once or not at all.

use std::sync::{Arc, Mutex};

use branchwork::{
    Branch, Engine, Error, TurnEvent,
    core::{
        graph::OpKind,
        message::{Body, CallId, Outcome, Role},
        provider::ModelRequest,
        store::{MemoryStore, Store},
        tool::{Policy, ToolSelection},
        turn::TurnLimits,
    },
    sqlite::SqliteStore,
    tools::{FunctionTool, ToolContext, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{DisturbedStore, Moment, Script, ScriptedProvider};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;

use crate::{support::texts, work::assert_legal};

#[derive(Deserialize, JsonSchema)]
struct File {
    name: String,
}

/// What tools did, in order.
type Deeds = Arc<Mutex<Vec<String>>>;

fn file_tool(name: &'static str, deeds: &Deeds) -> FunctionTool {
    let deeds = Arc::clone(deeds);
    let run = move |file: File, context: ToolContext| {
        deeds.lock().unwrap().push(format!("{name} {} for {}", file.name, context.call));
        async move { Ok::<_, ToolError>(format!("{name}: {}", file.name)) }
    };
    FunctionTool::with_context(name, "Does it.", run)
}

/// The model removes two files and reads one, and is done when it sees what came of it.
fn answer(request: &ModelRequest) -> Script {
    match request.messages.last().map(|last| last.role()) {
        Some(Role::User) => Script::calls([
            ("r1", "remove", r#"{"name":"a"}"#),
            ("l1", "read", r#"{"name":"b"}"#),
            ("r2", "remove", r#"{"name":"c"}"#),
        ]),
        _ => Script::text("done"),
    }
}

/// A process over `store`: removing asks, reading does not.
async fn process(store: Arc<dyn Store>, deeds: &Deeds) -> Branch {
    let engine = Engine::builder().store(store).build();
    engine.register("local", Arc::new(ScriptedProvider::answering(answer)));
    let session = match engine.open_session("files").await {
        Ok(session) => session,
        Err(_) => engine.session("files").model("local:tiny").create().await.unwrap(),
    };
    session.register(file_tool("remove", deeds).with_approval()).unwrap();
    session.register(file_tool("read", deeds)).unwrap();
    session.default_branch()
}

async fn parked(branch: &Branch) -> Vec<String> {
    match branch.chat("Clean up.").with_tools(ToolSelection::All).await {
        Err(Error::Parked { calls }) => calls.iter().map(|call| call.id.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

fn call(id: &str) -> CallId {
    CallId::new(id)
}

async fn outcomes(branch: &Branch) -> Vec<(String, Outcome)> {
    let view = branch.view().await.unwrap();
    let outcomes = view.messages().filter_map(|message| match &message.body {
        Body::ActionResponse { call, outcome, .. } => Some((call.to_string(), outcome.clone())),
        _ => None,
    });
    outcomes.collect()
}

#[tokio::test]
async fn nothing_runs_before_all_are_answered_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let (path, deeds) = (folder.path().join("chats.db"), Deeds::default());
    let open = || Arc::new(SqliteStore::open(&path).unwrap());
    let first = process(open(), &deeds).await;
    let mut stream = first.chat("Clean up.").with_tools(ToolSelection::All).stream();
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event);
    }
    assert!(matches!(events[events.len() - 2], Ok(TurnEvent::Called(_))));
    let Err(Error::Parked { calls }) = events.pop().unwrap() else { panic!("it is not parked") };
    assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["r1", "r2"]);
    assert_eq!(*deeds.lock().unwrap(), Vec::<String>::new(), "not even what needs no approval");
    drop((first, stream));

    // Another process has neither tools nor a provider.
    let engine = Engine::builder().store(open()).build();
    let other = engine.open_session("files").await.unwrap().default_branch();
    assert_eq!(other.waiting_calls().await.unwrap(), calls);
    other.approve(&call("r2")).await.unwrap();
    assert!(matches!(other.resume().await, Err(Error::NoProvider { .. })));
    other.deny(&call("r1"), "it is needed").await.unwrap();
    assert_eq!(other.waiting_calls().await.unwrap(), []);
    for answered in ["r1", "r2", "l1", "nobody"] {
        let again = other.approve(&call(answered)).await;
        assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
    }

    let last = process(open(), &deeds).await;
    let without = last.resume().with_tools("read").await;
    assert!(matches!(without, Err(Error::NotFound { what: "tool", .. })), "{without:?}");
    let reply = last.resume().with_tools(ToolSelection::All).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.rounds), ("done", 2));
    assert_eq!(*deeds.lock().unwrap(), ["read b for l1", "remove c for r2"]);
    let expected = [
        ("r1".to_owned(), Outcome::Denied("it is needed".to_owned())),
        ("l1".to_owned(), Outcome::Succeeded("read: b".into())),
        ("r2".to_owned(), Outcome::Succeeded("remove: c".into())),
    ];
    assert_eq!(outcomes(&last).await, expected);
    assert_legal(&last.view().await.unwrap(), "after approval");
    assert!(matches!(last.resume().await, Err(Error::NothingToResume)));
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_branch_whose_turn_is_parked_refuses_to_forget_it() {
    let (store, deeds) = (Arc::new(MemoryStore::new()), Deeds::default());
    let main = process(store, &deeds).await;
    assert_eq!(parked(&main).await, ["r1", "r2"]);
    let before = main.record().await.unwrap();
    assert!(matches!(main.chat("And now?").await, Err(Error::Parked { .. })));
    assert!(matches!(main.append(crate::support::says("Hm.")).await, Err(Error::Parked { .. })));
    let resumed = main.resume().with_tools(ToolSelection::All).await;
    assert!(matches!(resumed, Err(Error::Parked { calls }) if calls.len() == 2));
    main.deny(&call("r1"), "no").await.unwrap();
    main.deny(&call("r2"), "no").await.unwrap();
    let Err(error) = main.chat("And now?").await else { panic!("it forgot the turn") };
    assert_eq!(error.to_string(), "a turn was parked, and its calls are answered: resume it");
    assert_eq!(main.record().await.unwrap().revision, before.revision + 2);
    // A fork, and a retry, go on without it: the calls never ran.
    let fork = main.fork("other").await.unwrap();
    fork.append(crate::support::says("Never mind.")).await.unwrap();
    let reason = Outcome::Cancelled("the conversation went on without it".to_owned());
    let no = Outcome::Denied("no".to_owned());
    let expected = [("r1", no.clone()), ("l1", reason), ("r2", no)];
    assert_eq!(outcomes(&fork).await, expected.map(|(id, outcome)| (id.to_owned(), outcome)));
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, Vec::<String>::new());
    assert_eq!(parked(&main).await, ["r1", "r2"]);
    assert!(matches!(main.retry().await, Ok(reply) if reply.calls().len() == 3));
    assert_eq!(*deeds.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn arguments_may_be_changed_and_the_model_sees_what_ran() {
    let (store, deeds) = (Arc::new(MemoryStore::new()), Deeds::default());
    let main = process(store, &deeds).await;
    assert_eq!(parked(&main).await, ["r1", "r2"]);
    let asked = main.view().await.unwrap().last().map(Arc::clone).unwrap();
    let unfit = main.approve_with(&call("r1"), json!({ "file": "a" })).await;
    assert!(matches!(unfit, Err(Error::BadArguments { tool, .. }) if tool == "remove"));
    main.approve_with(&call("r1"), json!({ "name": "old" })).await.unwrap();
    main.approve(&call("r2")).await.unwrap();
    main.resume().with_tools(ToolSelection::All).await.unwrap();
    let mut deeds = deeds.lock().unwrap().clone();
    deeds.sort();
    assert_eq!(deeds, ["read b for l1", "remove c for r2", "remove old for r1"]);
    let view = main.view().await.unwrap();
    let answer = view.message(asked.id).unwrap();
    let Body::ActionRequest { calls, .. } = &answer.body else { panic!("it makes calls") };
    assert_eq!(calls[0].arguments, r#"{"name":"old"}"#);
    // What the model wrote is in the history, and the last page is as the view.
    let op = main.op(asked.id.op()).await.unwrap();
    assert!(matches!(&op.kind, OpKind::Message(original) if original.body == asked.body));
    assert_eq!(main.page(10).await.unwrap(), view.messages().cloned().collect::<Vec<_>>());
    main.undo().await.unwrap();
    main.redo().await.unwrap();
    assert_eq!(main.view().await.unwrap().message(asked.id), Some(answer));
}

#[tokio::test]
async fn what_a_policy_denies_is_told_and_the_turn_goes_on() {
    let (store, deeds) = (Arc::new(MemoryStore::new()), Deeds::default());
    let main = process(store, &deeds).await;
    // The stricter one counts: the tool asks, the turn denies one and allows the rest.
    let policy = |call: &branchwork::core::message::ToolCall, arguments: &serde_json::Value| match (
        call.function.as_str(),
        arguments["name"].as_str(),
    ) {
        ("remove", _) => Policy::Deny("nothing is removed on Sundays".to_owned()),
        (_, Some("b")) => Policy::Allow,
        other => panic!("{other:?}"),
    };
    let chat = main.chat("Clean up.").with_tools(ToolSelection::All).with_policy(policy);
    assert_eq!(chat.await.unwrap().text, "done");
    let denied = Outcome::Denied("nothing is removed on Sundays".to_owned());
    let expected =
        [("r1", denied.clone()), ("l1", Outcome::Succeeded("read: b".into())), ("r2", denied)];
    assert_eq!(outcomes(&main).await, expected.map(|(id, outcome)| (id.to_owned(), outcome)));
    // A policy that panics lets nothing run.
    let chat = main.chat("Again.").with_tools("read");
    let chat = chat.with_policy(|_, _| std::panic::resume_unwind(Box::new("it panics")));
    chat.await.unwrap();
    let last = outcomes(&main).await.into_iter().find(|(id, outcome)| {
        id == "l1" && *outcome == Outcome::Denied("the policy of the tool panicked".to_owned())
    });
    assert!(last.is_some());
    assert_eq!(*deeds.lock().unwrap(), ["read b for l1"]);
}

#[tokio::test]
async fn nobody_is_asked_about_more_calls_than_may_run() {
    let main = process(Arc::new(MemoryStore::new()), &Deeds::default()).await;
    let chat = main.chat("Clean up.").with_tools(ToolSelection::All);
    let reply = chat.with_limits(TurnLimits::new().with_calls(2)).await.unwrap();
    assert!(reply.limit.is_some());
    assert_eq!(main.waiting_calls().await.unwrap(), []);
    assert!(outcomes(&main).await.iter().all(|(_, of)| matches!(of, Outcome::Cancelled(_))));
}

/// Lets a process die at one commit between the question and the end, and others go on.
async fn die_and_go_on(dies_at: u64, moment: Moment) -> bool {
    let (store, deeds) = (Arc::new(MemoryStore::new()) as Arc<dyn Store>, Deeds::default());
    drop(process(Arc::clone(&store), &deeds).await);
    let dying = Arc::new(DisturbedStore::dying(Arc::clone(&store), dies_at, moment));
    let main = process(Arc::clone(&dying) as _, &deeds).await;
    let chat = main.chat("Clean up.").with_tools(ToolSelection::All);
    if matches!(chat.await, Err(Error::Parked { .. })) {
        let _dead = main.approve(&call("r1")).await;
        let _dead = main.deny(&call("r2"), "no").await;
        let _dead = main.resume().with_tools(ToolSelection::All).await;
    }
    let has_died = dying.is_dead();
    let main = process(Arc::clone(&store), &deeds).await;
    if main.view().await.unwrap().is_empty() {
        return has_died;
    }
    if main.is_cut_off().await.unwrap() {
        let place = format!("commit {dies_at}, {moment:?}");
        let first = main.resume().with_tools(ToolSelection::All).await;
        if let Err(Error::Parked { calls }) = first {
            for call in calls {
                main.approve(&call.id).await.expect(&place);
            }
            main.resume().with_tools(ToolSelection::All).await.expect(&place);
        } else {
            first.expect(&place);
        }
    }
    let place = format!("commit {dies_at}, {moment:?}");
    assert_eq!(texts(&main).await.last().map(String::as_str), Some("done"), "{place}");
    assert_legal(&main.view().await.unwrap(), &place);
    for id in ["r1", "r2"] {
        let count = deeds.lock().unwrap().iter().filter(|deed| deed.ends_with(id)).count();
        assert!(count <= 1, "{place}: {id} ran {count} times");
        let outcome = outcomes(&main).await.into_iter().find(|(told, _)| told == id).unwrap().1;
        let is_known = !matches!(outcome, Outcome::Unknown);
        assert!(!is_known || (count == 1) == matches!(outcome, Outcome::Succeeded(_)), "{place}");
    }
    has_died
}

#[tokio::test]
async fn a_process_may_die_at_every_commit_and_no_approved_call_runs_twice() {
    for moment in [Moment::Before, Moment::After] {
        let mut commits = 0;
        while die_and_go_on(commits + 1, moment).await {
            commits += 1;
        }
        // The question, the answer, two approvals, going on, two results, the rest, the last answer.
        assert!(commits >= 7, "{commits}");
    }
}

#[tokio::test]
async fn a_denied_call_does_not_run_after_a_crash_either() {
    let (store, deeds) = (Arc::new(MemoryStore::new()) as Arc<dyn Store>, Deeds::default());
    drop(process(Arc::clone(&store), &deeds).await);
    // The process dies once the answer is durable.
    let dying = Arc::new(DisturbedStore::dying(Arc::clone(&store), 2, Moment::After));
    let main = process(Arc::clone(&dying) as _, &deeds).await;
    let deny = |_: &branchwork::core::message::ToolCall, _: &serde_json::Value| {
        Policy::Deny("no".to_owned())
    };
    main.chat("Clean up.").with_tools("read").with_policy(deny).await.unwrap_err();
    let main = process(store, &deeds).await;
    main.resume().with_tools("read").await.unwrap();
    assert_eq!(*deeds.lock().unwrap(), Vec::<String>::new());
    let denied = Outcome::Denied("no".to_owned());
    assert!(outcomes(&main).await.iter().any(|(id, outcome)| id == "l1" && *outcome == denied));
}
