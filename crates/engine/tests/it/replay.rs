//! What was logged is had again offline, just as it was, and what differs is told.

use branchwork::{
    Branch, Engine, Error, Session, TurnEvent,
    core::{
        config::ConfigPatch,
        filter::Filter,
        message::{Body, Native, Outcome, Role},
        provider::{Finish, ProviderError, ProviderEvent, ToolChoice},
        tool::{Policy, ToolSelection},
        turn::TurnLimits,
    },
    replay::{Difference, Drift},
    tools::{FunctionTool, ToolError},
};
use branchwork_testkit::{Gate, Script};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;

use crate::{
    recorded::Player,
    research,
    support::{export, import, says, session, texts},
    tool_loop,
    work::Nothing,
};

/// What came of a strict replay: turns, calls, messages, and why turns were copied.
type Came = (usize, usize, usize, Vec<&'static str>);

async fn replayed(branch: &Branch) -> Came {
    let replayed = branch.replay().await.unwrap();
    let copied = replayed.copied.iter().map(|copied| copied.why).collect();
    assert_eq!(texts(&replayed.session.default_branch()).await, texts(branch).await);
    assert_eq!(replayed.session.engine().verify().await.unwrap().problems, Vec::<String>::new());
    (replayed.turns, replayed.calls, replayed.messages, copied)
}

async fn only_session(engine: &Engine) -> Session {
    let record = engine.sessions().await.unwrap().remove(0);
    engine.open_session(&record.id.to_string()).await.unwrap()
}

/// A tool that must not run again.
fn once(name: &'static str) -> FunctionTool {
    let ran = std::sync::atomic::AtomicBool::new(false);
    FunctionTool::new(name, "Runs once.", move |_: Nothing| {
        let again = ran.swap(true, std::sync::atomic::Ordering::Relaxed);
        async move { if again { Err(ToolError::new("again")) } else { Ok("ran") } }
    })
}

#[tokio::test]
async fn a_recorded_turn_of_a_real_model_is_had_again_without_it() {
    let player = Player::of("tool_loop");
    let engine = Engine::in_memory();
    tool_loop::ask(&engine, &player.base_url, "qwen1.5b").await.unwrap();
    player.check();
    let session = only_session(&engine).await;
    // The server is gone by now.
    let again = session.default_branch().replay().await.unwrap();
    assert_eq!((again.turns, again.calls, again.messages), (1, 2, 4));
    let hashes = async |session: &Session| -> Vec<_> {
        let calls = session.calls().await.unwrap();
        calls.iter().map(|call| (call.call.request.hash, call.call.usage)).collect()
    };
    assert_eq!(hashes(&again.session).await, hashes(&session).await, "the same bytes are sent");
}

#[tokio::test]
async fn branches_that_a_real_model_had_side_by_side_are_had_again() {
    let player = Player::matching("research");
    let engine = Engine::in_memory();
    let done = research::research(&engine, &player.base_url, "qwen1.5b").await.unwrap();
    player.check_any_order();
    let mut calls = 0;
    for record in done.session.branches().await.unwrap() {
        let branch = done.session.branch(&record.name).await.unwrap();
        let (_, compared, _, copied) = replayed(&branch).await;
        assert_eq!(copied, Vec::<&str>::new(), "{}", record.name);
        calls += compared;
    }
    let (logged, tape) = (done.session.calls().await.unwrap(), done.session.tape().await.unwrap());
    assert_eq!((calls, tape.len()), (7, logged.len()));
}

#[tokio::test]
async fn whatever_can_be_asked_of_a_turn_is_asked_again() {
    let thinking = Script::new()
        .with_start()
        .with_event(ProviderEvent::Reasoning("hm".to_owned()))
        .with_event(ProviderEvent::ReasoningEnded {
            native: Some(Native::new("anthropic", "opus", json!({ "signature": "s" }))),
        })
        .with_text("well")
        .with_call(0, ("c0", "look", "{}"))
        .with_event(ProviderEvent::Native(Native::new("anthropic", "opus", json!([1]))))
        .with_call(1, ("c1", "look", "{"))
        .with_end(Finish::ToolCalls);
    let failed = ProviderError::RateLimited { retry_after: None, detail: "slow".to_owned() };
    let cut = Script::new().with_start().with_call(0, ("c2", "look", "{")).with_end(Finish::Length);
    let (session, _) = session([
        thinking,
        Script::text("seen"),
        Script::refusal(failed),
        Script::text("again"),
        cut,
        Script::text("in one piece"),
        Script::calls([("c3", "look", "{}")]),
        Script::calls([("c4", "look", "{}")]),
        Script::text("had to"),
        Script::text(""),
    ])
    .await;
    session.register(once("look")).unwrap();
    let main = session.default_branch();
    let config = ConfigPatch::new().with_temperature(0.5);
    let chat = main.chat("one").with_context(json!({ "a": 1 })).with_system("Be brief.");
    chat.with_config(config).with_tools(ToolSelection::All).await.unwrap();
    main.chat("two").with_sender("ada").await.unwrap_err();
    main.retry().with_text("two, please").await.unwrap();
    main.append(says("by the way")).await.unwrap();
    main.configure(ConfigPatch::new().with_sender("bob")).await.unwrap();
    main.chat("three").with_tools(ToolSelection::All).await.unwrap();
    let view = main.view().await.unwrap();
    let again = view.messages().find(|message| message.text() == "again").unwrap().id;
    main.edit(again, Body::response("edited")).await.unwrap();
    main.chat("four").with_results_kept(0).in_one_piece().await.unwrap();
    let chat = main
        .chat("five")
        .with_tools(ToolSelection::All)
        .with_limits(TurnLimits::new().with_rounds(1));
    chat.with_tool_choice(ToolChoice::Required).await.unwrap();
    let last = TurnLimits::new().with_rounds(2).with_final_answer();
    main.chat("six").with_tools(ToolSelection::All).with_limits(last).await.unwrap();
    main.chat("seven").await.unwrap_err();
    let (turns, calls, _, copied) = replayed(&main).await;
    assert_eq!((turns, calls, copied), (8, 10, Vec::new()));
}

#[tokio::test]
async fn a_turn_that_was_stopped_is_stopped_where_it_was() {
    let gate = Gate::new();
    let half = Script::new().with_start().with_text("half").with_gate(&gate);
    let calls = Script::calls([("c1", "look", "{}"), ("c2", "hang", "{}"), ("c3", "look", "{}")]);
    let (session, _) = session([half, calls, Script::text("on")]).await;
    session.register(once("look")).unwrap();
    let hang = async |_: Nothing| std::future::pending::<Result<(), ToolError>>().await;
    session.register(FunctionTool::new("hang", "Hangs.", hang)).unwrap();
    let main = session.default_branch();
    let mut stream = main.chat("one").stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(_)))) {}
    stream.interrupt().await.unwrap();
    let mut stream = main.chat("two").with_tools(ToolSelection::All).stream();
    for ended in 0..2 {
        let is_end = |event: &TurnEvent| matches!(event, TurnEvent::CallCompleted { .. });
        while !stream.next().await.unwrap().as_ref().is_ok_and(is_end) {}
        assert!(ended < 2);
    }
    stream.interrupt().await.unwrap();
    main.chat("three").await.unwrap();
    assert_eq!(replayed(&main).await, (3, 3, 9, Vec::new()));
    let view = main.view().await.unwrap();
    let outcomes = view.messages().filter_map(|message| match &message.body {
        Body::ActionResponse { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    assert_eq!(outcomes.filter(|outcome| *outcome == Outcome::Unknown).count(), 1);
}

#[tokio::test]
async fn steering_is_heard_and_approvals_are_given_where_they_were() {
    let one = Script::calls([("c1", "look", "{}"), ("c2", "wait", "{}")]);
    let two = Script::calls([("a1", "look", "{}"), ("a2", "look", "{}"), ("a3", "look", "{}")]);
    let (session, _) = session([one, Script::text("heard"), two, Script::text("done")]).await;
    let gate = Gate::new();
    let inside = gate.clone();
    session.register(once("look")).unwrap();
    let wait = move |_: Nothing| {
        let gate = inside.clone();
        async move {
            gate.pass().await;
            Ok::<_, ToolError>("waited")
        }
    };
    session.register(FunctionTool::new("wait", "Waits.", wait)).unwrap();
    let main = session.default_branch();
    let mut stream = main.chat("one").with_tools(ToolSelection::All).stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Called(_)))) {}
    let mut steer = Box::pin(main.steer("and hurry"));
    assert!(steer.as_mut().now_or_never().is_none(), "it waits");
    gate.release();
    while stream.next().await.is_some() {}
    steer.await.unwrap();
    let policy = |call: &branchwork::core::message::ToolCall, _: &_| match call.id.as_str() {
        "a3" => Policy::Deny("never".to_owned()),
        _ => Policy::Ask,
    };
    let chat = main.chat("two").with_tools(ToolSelection::All).with_policy(policy);
    assert!(matches!(chat.await, Err(Error::Parked { .. })));
    let waiting = main.waiting_calls().await.unwrap();
    main.approve_with(&waiting[0].id, json!({ "hint": 1 })).await.unwrap();
    main.deny(&waiting[1].id, "not now").await.unwrap();
    main.resume().with_tools(ToolSelection::All).await.unwrap();
    assert_eq!(replayed(&main).await, (2, 4, 12, Vec::new()));
}

#[tokio::test]
async fn forks_merges_and_what_was_rolled_back_do_not_stand_in_the_way() {
    let (session, provider) = session((0..7).map(|_| Script::text("yes"))).await;
    let main = session.default_branch();
    main.chat("one").await.unwrap();
    main.chat("undone").await.unwrap();
    main.undo().await.unwrap();
    let asked = main.append(says("two")).await.unwrap().messages[0];
    let other = main.fork("other").at(asked).config(ConfigPatch::new().with_temperature(1.0)).await;
    let other = other.unwrap();
    other.retry().await.unwrap();
    main.retry().await.unwrap();
    other.chat("three").await.unwrap();
    session.merge(&other).into(&main).await.unwrap();
    main.chat("four").await.unwrap();
    assert_eq!(provider.remaining(), 1);
    assert_eq!(replayed(&other).await, (3, 3, 5, Vec::new()));
    assert_eq!(replayed(&main).await, (3, 3, 5, Vec::new()));
    let tape = session.tape().await.unwrap();
    assert_eq!(tape.len(), 6, "also what was rolled back");
}

#[tokio::test]
async fn a_turn_that_cannot_be_had_again_is_copied_and_its_requests_are_compared() {
    let calls = || Script::calls([("c1", "look", "{}")]);
    let (session, _) = session([calls(), Script::text("shown"), Script::text("on")]).await;
    session.register(once("look")).unwrap();
    let main = session.default_branch();
    let none = TurnLimits::new().with_calls(0);
    main.chat("one").with_tools(ToolSelection::All).with_limits(none).await.unwrap();
    main.chat("two").with_shown(Filter::new().with_role(Role::User)).await.unwrap();
    main.chat("three").await.unwrap();
    let (turns, calls, messages, copied) = replayed(&main).await;
    assert_eq!((turns, calls, messages), (1, 3, 2));
    assert_eq!(
        copied,
        [
            "its calls did not run, and why is not logged",
            "a part of the branch was shown, and why is not logged"
        ]
    );
}

#[tokio::test]
async fn a_replay_may_begin_later_and_be_kept() {
    let (session, _) = session([Script::text("a"), Script::text("b")]).await;
    let main = session.default_branch();
    main.chat("one").await.unwrap();
    let from = main.chat("two").await.unwrap().message.id;
    let store = std::sync::Arc::new(branchwork::core::store::MemoryStore::new());
    let replayed =
        main.replay().from(from).in_store(std::sync::Arc::clone(&store) as _).await.unwrap();
    assert_eq!((replayed.turns, replayed.calls), (1, 1));
    let kept = Engine::builder().store(store).build();
    let kept = only_session(&kept).await.default_branch();
    assert_eq!(texts(&kept).await, ["one", "a", "two", "b"]);
    let foreign = main.append(says("x")).await.unwrap().messages[0];
    main.undo().await.unwrap();
    assert!(matches!(main.replay().from(foreign).await, Err(Error::NotFound { .. })));
}

/// The same session, as an archive in which `from` says `to`.
async fn tampered(session: &Session, from: &str, to: &str) -> Session {
    let archive = String::from_utf8(export(session).await).unwrap();
    assert_eq!(archive.matches(from).count(), 1, "{from}");
    let engine = Engine::in_memory();
    engine.register("local", session.engine().provider("local").unwrap());
    import(&engine, archive.replace(from, to).as_bytes()).await;
    only_session(&engine).await
}

#[tokio::test]
async fn what_was_changed_since_is_found_where_it_was_changed() {
    let (session, _) =
        session([Script::calls([("c1", "look", "{}")]), Script::text("seen"), Script::text("on")])
            .await;
    session.register(once("look")).unwrap();
    let main = session.default_branch();
    let first = main.chat("where to").with_tools(ToolSelection::All).await.unwrap().message.id;
    let last = main.chat("and then").await.unwrap().message.id;

    let same = tampered(&session, "\"ran\"", "\"ran\"").await;
    assert_eq!(replayed(&same.default_branch()).await, (2, 3, 6, Vec::new()));

    // The result of the tool is shown in the second and the third request, behind one message.
    let changed = tampered(&session, "\"ran\"", "\"fled\"").await.default_branch();
    let Err(Error::ReplayDiffers { drift }) = changed.replay().await else { panic!("it differs") };
    let words =
        |answer, known| Drift::Asked { answer, differences: vec![Difference::Words { known }] };
    assert_eq!(*drift, words(first, 1));
    let told = changed.replay().with_drift().await.unwrap();
    assert_eq!(told.drifts, [words(first, 1), words(last, 1)]);
    assert_eq!((told.turns, told.calls, told.messages), (2, 3, 6));
    let text = Error::ReplayDiffers { drift }.to_string();
    let clause =
        "is not what is asked: other bytes were sent, in what follows its first 1 messages";
    assert!(text.contains(clause) && text.contains(&first.to_string()), "{text}");
}

#[tokio::test]
async fn a_provider_that_is_not_registered_is_not_needed() {
    let (session, _) = session([Script::text("a"), Script::text("b")]).await;
    let main = session.default_branch();
    main.chat("one").await.unwrap();
    main.chat("two").await.unwrap();
    let engine = Engine::in_memory();
    import(&engine, &export(&session).await).await;
    assert_eq!(
        replayed(&only_session(&engine).await.default_branch()).await,
        (2, 2, 4, Vec::new())
    );
}
