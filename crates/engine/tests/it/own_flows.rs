//! Flows of the user's own: their named steps are done once, in whatever process.

use std::{
    future,
    sync::{Arc, Mutex},
};

use branchwork::{
    Branch, Engine, Error, Result,
    archive::ImportOptions,
    core::{
        graph::OpKind,
        message::{Role, Status},
        provider::{ModelRequest, ProviderError},
        store::{MemoryStore, Store},
        tool::{ToolEffect, ToolSelection},
    },
    events::EventKind,
    flows::FLOW_STEP_KEY,
    sqlite::SqliteStore,
};
use branchwork_testkit::{DisturbedStore, Moment, Script, ScriptedProvider};
use serde::{Deserialize, Serialize};

use crate::{
    support::{says, texts},
    work::{self, Ran, assert_legal, tool},
};

/// What a step of the flow gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Outline {
    parts: Vec<String>,
}

/// Names of steps, each time one ran.
type Deeds = Arc<Mutex<Vec<&'static str>>>;

/// The model works with tools when it has some.
fn answer(request: &ModelRequest) -> Script {
    let asked = request.messages.last().unwrap().text();
    if request.tools.is_empty() { Script::text(format!("{asked}!")) } else { work::answer(request) }
}

/// A process over `store`, which has the session or makes it.
async fn process(store: Arc<dyn Store>, ran: &Ran) -> (Engine, Branch, Arc<ScriptedProvider>) {
    let engine = Engine::builder().store(store).build();
    let provider = Arc::new(ScriptedProvider::answering(answer));
    engine.register("local", Arc::clone(&provider) as _);
    let session = match engine.open_session("work").await {
        Ok(session) => session,
        Err(_) => engine.session("work").model("local:tiny").create().await.unwrap(),
    };
    let main = session.default_branch();
    for name in ["once", "look", "put"] {
        let effect = if name == "once" { ToolEffect::AtMostOnce } else { ToolEffect::Pure };
        main.register(tool(name, effect, ran)).unwrap();
    }
    (engine, main, provider)
}

async fn in_memory() -> (Branch, Arc<ScriptedProvider>) {
    let (_, main, provider) = process(Arc::new(MemoryStore::new()), &Ran::default()).await;
    (main, provider)
}

/// The flow: a question, a step with the answer, a fork that works with tools, a step with both.
async fn research(main: &Branch, deeds: &Deeds) -> Result<String> {
    let flow = main.flow("research");
    let plan = flow.chat("plan", main.chat("plan").with_system("Be brief.")).await?;
    let outline = || {
        deeds.lock().unwrap().push("outline");
        future::ready(Ok::<_, Error>(Outline { parts: vec![plan.text()] }))
    };
    let outline: Outline = flow.step("outline", outline).await?;
    let draft = flow.fork("draft").await?;
    let work = draft.chat("work").with_tools(ToolSelection::All);
    let work = flow.chat("work", work).await?.text();
    let join = async || {
        deeds.lock().unwrap().push("join");
        Ok::<_, Error>(format!("{} {work}", outline.parts.join(" ")))
    };
    flow.step("join", join).await
}

const RESULT: &str = "plan! done";

fn count(deeds: &Deeds, name: &str) -> usize {
    deeds.lock().unwrap().iter().filter(|deed| **deed == name).count()
}

async fn answers(branch: &Branch) -> usize {
    let view = branch.view().await.unwrap();
    view.messages().filter(|message| message.role() == Role::Assistant).count()
}

/// Lets a process die at one commit of the flow, and others run it. Answers whether the first one died.
async fn die_and_run(store: Arc<dyn Store>, dies_at: u64, moment: Moment) -> bool {
    let (ran, deeds) = (Ran::default(), Deeds::default());
    drop(process(Arc::clone(&store), &ran).await);
    let dying = Arc::new(DisturbedStore::dying(Arc::clone(&store), dies_at, moment));
    let (_, main, first) = process(Arc::clone(&dying) as _, &ran).await;
    let died = research(&main, &deeds).await.is_err();
    let place = format!("commit {dies_at}, {moment:?}");
    assert_eq!(died, dying.is_disturbed(), "{place}");
    let (_, main, second) = process(Arc::clone(&store), &ran).await;
    let kept = main.view().await.unwrap();
    let is_kept = |step| kept.done("research", step).is_some();
    let before = ["outline", "join"].map(|step| (step, is_kept(step), count(&deeds, step)));
    assert_eq!(research(&main, &deeds).await.unwrap(), RESULT, "{place}");
    for (step, is_kept, count_before) in before {
        let again = count(&deeds, step) - count_before;
        assert_eq!(again, usize::from(!is_kept), "{place}: {step}");
    }
    let (engine, main, third) = process(store, &ran).await;
    let head = main.view().await.unwrap().head();
    assert_eq!(research(&main, &deeds).await.unwrap(), RESULT, "{place}");
    assert_eq!(main.view().await.unwrap().head(), head, "{place}: all is done");
    let draft = main.flow("research").fork("draft").await.unwrap();
    assert_eq!(texts(&main).await, ["Be brief.", "plan", "plan!"], "{place}");
    // Whatever was answered is not asked again: what was being asked may be.
    let answers = answers(&main).await + answers(&draft).await - 1;
    let asked = first.requests().len() + second.requests().len();
    let in_flight = usize::from(moment == Moment::Before);
    assert_eq!((answers, third.requests().len()), (4, 0), "{place}");
    assert!((4..=4 + in_flight).contains(&asked), "{place}: {asked} requests");
    for ((tool, call), count) in ran.lock().unwrap().iter() {
        assert!(tool != "once" || *count == 1, "{place}: {call} ran again");
    }
    assert_legal(&draft.view().await.unwrap(), &place);
    assert!(engine.verify().await.unwrap().problems.is_empty(), "{place}");
    died
}

#[tokio::test]
async fn a_process_may_die_at_every_commit_of_a_flow() {
    for moment in [Moment::Before, Moment::After] {
        let mut commits = 0;
        while die_and_run(Arc::new(MemoryStore::new()), commits + 1, moment).await {
            commits += 1;
        }
        // A question and its answer, a step, a fork, seven of the turn with tools, a step.
        assert!(commits >= 12, "{commits}");
    }
}

#[tokio::test]
async fn a_file_brings_a_flow_back_as_the_memory_does() {
    let folder = tempfile::tempdir().unwrap();
    for moment in [Moment::Before, Moment::After] {
        let mut commits = 0;
        let open = |number: u64| {
            let path = folder.path().join(format!("{number}{moment:?}.db"));
            Arc::new(SqliteStore::open(path).unwrap())
        };
        while die_and_run(open(commits), commits + 1, moment).await {
            commits += 1;
        }
        assert!(commits >= 12, "{commits}");
    }
}

async fn numbered(main: &Branch, deeds: &Deeds) -> Result<usize> {
    let flow = main.flow("numbers");
    let number = || {
        deeds.lock().unwrap().push("number");
        future::ready(Ok::<_, Error>(count(deeds, "number")))
    };
    flow.step("number", number).await
}

#[tokio::test]
async fn a_step_that_is_undone_runs_again_and_a_fork_has_what_it_gave() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let (main, _) = in_memory().await;
    let deeds = Deeds::default();
    drop(is_send(main.flow("f").step("s", async || Ok::<_, Error>(1))));
    drop(is_send(main.flow("f").chat("s", main.chat("q"))));
    main.append(says("before")).await.unwrap();
    let seq = main.record().await.unwrap().revision;
    assert_eq!(numbered(&main, &deeds).await.unwrap(), 1);
    assert_eq!(numbered(&main, &deeds).await.unwrap(), 1);
    let events = main.events(seq, 10).await.unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let EventKind::Changed(op) = &event.kind else { panic!("{event:?}") };
    assert!(matches!(&op.kind, OpKind::Done(done) if done.step == "number"));
    main.undo().await.unwrap();
    assert_eq!(numbered(&main, &deeds).await.unwrap(), 2);
    let fork = main.fork("fork").await.unwrap();
    assert_eq!(numbered(&fork, &deeds).await.unwrap(), 2);
    let message = main.message("~0").await.unwrap();
    main.rewind(message.id).await.unwrap();
    assert_eq!(numbered(&main, &deeds).await.unwrap(), 3);
    assert_eq!(numbered(&fork, &deeds).await.unwrap(), 2);
    assert_eq!(texts(&main).await, ["before"], "it is no message");
}

#[tokio::test]
async fn what_a_step_gave_is_of_its_type_or_an_error() {
    let (main, _) = in_memory().await;
    let text = async || Ok::<_, Error>("a word".to_owned());
    main.flow("f").step("s", text).await.unwrap();
    let number = main.flow("f").step("s", async || Ok::<u32, Error>(1)).await;
    let Err(error @ Error::StepMisfit { .. }) = number else { panic!("{number:?}") };
    assert_eq!(error.to_string(), "step `s` of flow `f` gave what is of another type");
    // What would not come back is not kept.
    let head = main.view().await.unwrap().head();
    let nan = main.flow("f").step("nan", async || Ok::<_, Error>(f64::NAN)).await;
    assert!(matches!(nan, Err(Error::StepMisfit { .. })), "{nan:?}");
    let nested = (0..100).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let deep = main.flow("f").step("deep", async || Ok::<_, Error>(nested)).await;
    assert!(matches!(deep, Err(Error::Draft(_))), "{deep:?}");
    assert_eq!(main.view().await.unwrap().head(), head);
}

#[tokio::test]
async fn a_name_is_used_once_in_a_run_unless_it_failed() {
    let (main, provider) = in_memory().await;
    let flow = main.flow("f");
    let fails = async || Err::<u32, _>(std::io::Error::other("no"));
    let failed = flow.step("s", fails).await;
    let Err(Error::StepFailed { flow: of, step, source }) = failed else { panic!("{failed:?}") };
    assert_eq!((of.as_str(), step.as_str(), source.to_string().as_str()), ("f", "s", "no"));
    let refused = flow.step("s", async || Err::<u32, _>(Error::NoTools)).await;
    assert!(matches!(refused, Err(Error::NoTools)), "an error of ours is as it is");
    assert_eq!(flow.step("s", async || Ok::<_, Error>(7)).await.unwrap(), 7);
    let twice = flow.clone().step("s", async || Ok::<_, Error>(8)).await;
    assert!(matches!(&twice, Err(Error::NameUsedTwice { name, .. }) if name == "s"), "{twice:?}");
    assert!(matches!(flow.chat("s", main.chat("q")).await, Err(Error::NameUsedTwice { .. })));
    // A fork may have the name of what is asked on it, once.
    let fork = flow.fork("s").await.unwrap();
    assert_eq!(fork.record().await.unwrap().name, "f-s");
    assert!(matches!(flow.fork("s").await, Err(Error::NameUsedTwice { .. })));
    for (flow, step) in [("", "s"), ("f", ""), ("f", "a\nb"), ("f", &"x".repeat(201))] {
        let bad = main.flow(flow).step(step, async || Ok::<_, Error>(1)).await;
        assert!(matches!(bad, Err(Error::BadName { .. })), "{bad:?}");
    }
    let again = main.flow("f").chat("r", main.retry()).await;
    assert!(matches!(again, Err(Error::BadOption { .. })), "{again:?}");
    assert_eq!(provider.requests().len(), 0);
}

#[tokio::test]
async fn keys_tell_steps_apart_and_stay_the_same() {
    let (main, _) = in_memory().await;
    let key = main.flow("a").key("b");
    assert_eq!(key, main.flow("a").key("b"));
    let fork = main.fork("fork").await.unwrap();
    let others = [main.flow("ab").key(""), main.flow("").key("ab"), fork.flow("a").key("b")];
    assert!(others.iter().all(|other| *other != key && other.len() == 64));
}

#[tokio::test]
async fn a_fork_of_a_flow_is_a_fork_of_its_branch() {
    let (main, _) = in_memory().await;
    let other = main.fork("other").await.unwrap();
    let fork = main.flow("f").fork("x").await.unwrap();
    main.append(says("later")).await.unwrap();
    let found = main.flow("f").fork("x").await.unwrap();
    assert_eq!((found.id(), found.view().await.unwrap().len()), (fork.id(), 0));
    assert!(matches!(other.flow("f").fork("x").await, Err(Error::Conflict(_))));
    found.delete().await.unwrap();
    let anew = main.flow("f").fork("x").await.unwrap();
    assert_eq!((anew.id() == fork.id(), texts(&anew).await.len()), (false, 1));
}

#[tokio::test]
async fn what_another_process_kept_first_counts() {
    let store = Arc::new(MemoryStore::new()) as Arc<dyn Store>;
    let (_, main, _) = process(Arc::clone(&store), &Ran::default()).await;
    let (_, other, _) = process(store, &Ran::default()).await;
    let slow = async || {
        other.append(says("meanwhile")).await?;
        other.flow("f").step("s", async || Ok::<_, Error>("theirs".to_owned())).await?;
        Ok::<_, Error>("ours".to_owned())
    };
    assert_eq!(main.flow("f").step("s", slow).await.unwrap(), "theirs");
    let moved = async || {
        other.append(says("again")).await?;
        Ok::<_, Error>(1)
    };
    assert_eq!(main.flow("f").step("t", moved).await.unwrap(), 1);
    assert_eq!(texts(&main).await, ["meanwhile", "again"]);
}

/// A branch whose model refuses, answers half, or answers.
async fn moody(scripts: impl IntoIterator<Item = Script>) -> (Branch, Arc<ScriptedProvider>) {
    let (session, provider) = crate::support::session(scripts).await;
    (session.default_branch(), provider)
}

fn refusal() -> Script {
    Script::refusal(ProviderError::Auth { status: Some(401), detail: String::new() })
}

#[tokio::test]
async fn a_chat_that_failed_is_asked_again_in_its_place() {
    let (main, provider) =
        moody([refusal(), refusal(), Script::text("a"), Script::text("b")]).await;
    let ask = async || main.flow("f").chat("s", main.chat("q").with_system("Be brief.")).await;
    assert!(matches!(ask().await, Err(Error::Provider(_))));
    assert!(matches!(ask().await, Err(Error::Provider(_))));
    assert_eq!(ask().await.unwrap().text(), "a");
    assert_eq!(texts(&main).await, ["Be brief.", "q", "a"]);
    let asked = main.message("~1").await.unwrap();
    assert_eq!(asked.metadata[FLOW_STEP_KEY], serde_json::json!({ "flow": "f", "step": "s" }));
    main.append(says("more")).await.unwrap();
    assert_eq!(ask().await.unwrap().text(), "a");
    assert_eq!(provider.requests().len(), 3);
    // Taken back, it is asked once more.
    main.undo().await.unwrap();
    main.undo().await.unwrap();
    assert!(matches!(ask().await, Ok(answer) if answer.text() == "b"));
    assert_eq!(provider.requests().len(), 4);
    assert_eq!(texts(&main).await, ["Be brief.", "q", "b"]);
}

#[tokio::test]
async fn what_followed_a_chat_that_failed_stays_and_it_is_asked_anew() {
    let (main, _) = moody([refusal(), Script::text("a")]).await;
    let ask = async || main.flow("f").chat("s", main.chat("q")).await;
    ask().await.unwrap_err();
    main.append(says("meanwhile")).await.unwrap();
    assert_eq!(ask().await.unwrap().text(), "a");
    assert_eq!(texts(&main).await, ["q", "", "meanwhile", "q", "a"]);
    assert_eq!(ask().await.unwrap().text(), "a");
}

#[tokio::test]
async fn a_chat_that_is_dropped_is_asked_again() {
    let gate = branchwork_testkit::Gate::new();
    let half = Script::new().with_start().with_text("ha").with_gate(&gate).with_text("lf");
    let (main, _) = moody([half, Script::text("whole")]).await;
    {
        let flow = main.flow("f");
        let chat = flow.chat("s", main.chat("q"));
        tokio::select! {
            answer = chat => panic!("{answer:?}"),
            () = gate.reached() => {}
        }
    }
    // It is closed in the background; whoever asks waits for that.
    let answer = main.flow("f").chat("s", main.chat("q")).await.unwrap();
    assert_eq!(answer.text(), "whole");
    assert_eq!(texts(&main).await, ["q", "whole"]);
    main.undo().await.unwrap();
    assert_eq!(main.view().await.unwrap().last().unwrap().status, Status::Interrupted);
}

#[tokio::test]
async fn a_chat_that_is_parked_goes_on_when_its_calls_are_approved() {
    let store = Arc::new(MemoryStore::new()) as Arc<dyn Store>;
    let ran = Ran::default();
    let run = async |main: &Branch| {
        let chat = main.chat("work").with_tools(ToolSelection::All);
        main.flow("f").chat("s", chat).await
    };
    let asks = || tool("once", ToolEffect::AtMostOnce, &ran).with_approval();
    let (_, main, first) = process(Arc::clone(&store), &ran).await;
    main.replace_tool(asks()).unwrap();
    assert!(matches!(run(&main).await, Err(Error::Parked { calls }) if calls.len() == 1));
    assert!(matches!(run(&main).await, Err(Error::Parked { .. })));
    let (_, main, second) = process(store, &ran).await;
    main.replace_tool(asks()).unwrap();
    loop {
        for call in main.waiting_calls().await.unwrap() {
            main.approve(&call.id).await.unwrap();
        }
        match run(&main).await {
            Err(Error::Parked { .. }) => {}
            answer => break assert_eq!(answer.unwrap().text(), "done"),
        }
    }
    assert_eq!(run(&main).await.unwrap().text(), "done");
    assert_eq!((first.requests().len(), second.requests().len()), (1, 2));
    assert!(ran.lock().unwrap().values().all(|count| *count == 1));
}

#[tokio::test]
async fn a_turn_that_ended_before_its_calls_ran_is_no_answer() {
    let (main, _) = in_memory().await;
    let limits = branchwork::core::turn::TurnLimits::new().with_calls(1);
    let chat = main.chat("work").with_tools(ToolSelection::All).with_limits(limits);
    let ended = main.flow("f").chat("s", chat).await;
    assert!(matches!(ended, Err(Error::StepUnanswered { .. })), "{ended:?}");
    let chat = main.chat("work").with_tools(ToolSelection::All);
    assert_eq!(main.flow("f").chat("s", chat).await.unwrap().text(), "done");
    assert_eq!(texts(&main).await[0], "work");
    assert_eq!(texts(&main).await.iter().filter(|text| *text == "work").count(), 1);
}

#[tokio::test]
async fn an_archive_brings_a_flow_along() {
    let (engine, main, _) = process(Arc::new(MemoryStore::new()), &Ran::default()).await;
    let deeds = Deeds::default();
    research(&main, &deeds).await.unwrap();
    let large = "x".repeat(20_000);
    main.flow("f").step("large", async || Ok::<_, Error>(large.clone())).await.unwrap();
    let mut archive = Vec::new();
    let session = engine.open_session("work").await.unwrap();
    session.export(&mut archive).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path().join("a.db")).unwrap());
    let engine = Engine::builder().store(store).build();
    engine.import(&mut &archive[..], &ImportOptions::new()).await.unwrap();
    let provider = Arc::new(ScriptedProvider::answering(answer));
    engine.register("local", Arc::clone(&provider) as _);
    let there = engine.open_session("work").await.unwrap().default_branch();
    there.register(tool("once", ToolEffect::AtMostOnce, &Ran::default())).unwrap();
    assert_eq!(research(&there, &deeds).await.unwrap(), RESULT);
    let found: String = there.flow("f").step("large", async || Err(Error::NoTools)).await.unwrap();
    assert_eq!((found == large, provider.requests().len()), (true, 0));
    assert_eq!((count(&deeds, "outline"), count(&deeds, "join")), (1, 1));
    assert!(engine.verify().await.unwrap().problems.is_empty());
}
