//! Histories that poison sessions elsewhere: each thread's case, and here the next request is legal.

use std::sync::Arc;

use branchwork::{
    Branch, Error, TurnEvent,
    core::{
        filter::Filter,
        message::{Body, CallId, Draft, Outcome, Role, Status},
        provider::{ProviderError, ProviderEvent},
        store::{MemoryStore, Store},
        tool::{ToolEffect, ToolSelection},
    },
    tools::{FunctionTool, ToolError},
};
use branchwork_testkit::{Gate, Script, ScriptedProvider, legal::breaches};
use futures_util::StreamExt as _;

use crate::{
    support::{says, session},
    work::{Nothing, Ran, open, process, tool},
};

/// Says something, and checks that no provider would refuse what the model is then shown.
async fn go_on(branch: &Branch, provider: &ScriptedProvider) {
    branch.chat("and now?").await.unwrap();
    let shown = provider.requests().pop().unwrap().messages;
    assert_eq!(shown.last().unwrap().text(), "and now?");
    assert_eq!(breaches(&shown), Vec::<String>::new());
}

/// A branch whose model calls two tools at once when it is first asked, and then only talks.
async fn calling() -> (Branch, Arc<ScriptedProvider>) {
    let calls = Script::calls([("call_0", "look", "{}"), ("call_1", "fails", "{}")]);
    let talk = (0..8).map(|_| Script::text("well"));
    let (session, provider) = session(std::iter::once(calls).chain(talk)).await;
    let main = session.default_branch();
    main.register(tool("look", ToolEffect::Pure, &Ran::default())).unwrap();
    let fails = FunctionTool::new("fails", "Fails.", async |_: Nothing| {
        tokio::task::yield_now().await;
        Err::<(), _>(ToolError::new("no such file"))
    });
    main.register(fails).unwrap();
    (main, provider)
}

/// As [`calling`], once the calls are done.
async fn called() -> (Branch, Arc<ScriptedProvider>) {
    let (main, provider) = calling().await;
    main.chat("look").with_tools(ToolSelection::All).await.unwrap();
    (main, provider)
}

/// goose#1624, goose#2951, goose#11996, crush#529, opencode#21326, claude-code#3003: the user stops a turn while
/// its tools run.
#[tokio::test]
async fn a_turn_that_is_stopped_while_tools_run_can_be_gone_on_with() {
    let (main, provider) = calling().await;
    let mut stream = main.chat("look").with_tools(ToolSelection::All).stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Called(_)))) {}
    stream.interrupt().await.unwrap();
    let view = main.view().await.unwrap();
    let results = view.messages().filter(|message| message.role() == Role::Tool).count();
    assert_eq!(results, 2, "each call has its result");
    go_on(&main, &provider).await;
}

/// An answer that begins two calls, and has written half of the second one's arguments.
fn half_a_call() -> Script {
    let more = |index, text: &str| ProviderEvent::CallArguments { index, text: text.to_owned() };
    let begins = |index, id: &str| {
        let (id, function) = (id.to_owned(), "look".to_owned());
        ProviderEvent::CallStarted { index, id, function }
    };
    let script = Script::new().with_start().with_event(begins(0, "c0")).with_event(more(0, "{}"));
    script.with_event(begins(1, "c1")).with_event(more(1, "{\"na"))
}

/// openclaw#5857, openclaw#6157: an answer is cut while it writes its calls, by the user or by the provider.
#[tokio::test]
async fn an_answer_that_is_cut_while_it_writes_calls_can_be_gone_on_with() {
    let gate = Gate::new();
    let stalls = half_a_call().with_gate(&gate);
    let breaks = half_a_call().with_error(ProviderError::Truncated { source: None });
    let talk = || Script::text("well");
    let (session, provider) = session([stalls, talk(), breaks, talk()]).await;
    let (main, ran) = (session.default_branch(), Ran::default());
    main.register(tool("look", ToolEffect::Pure, &ran)).unwrap();
    let mut stream = main.chat("look").with_tools(ToolSelection::All).stream();
    let is_half = |event: &TurnEvent| matches!(event, TurnEvent::CallArguments { index: 1, text } if text == "{\"na");
    while !stream.next().await.is_some_and(|event| is_half(&event.unwrap())) {}
    stream.interrupt().await.unwrap();
    go_on(&main, &provider).await;
    main.chat("look").with_tools(ToolSelection::All).await.unwrap_err();
    go_on(&main, &provider).await;
    assert!(ran.lock().unwrap().is_empty(), "no call of a part runs");
}

/// strands harness-sdk#1123, pi#4189, openclaw#19048, copilot-cli#3183, kagent#2277, letta#3308: the
/// process goes while a tool runs.
#[tokio::test]
async fn a_process_that_goes_while_tools_run_leaves_a_session_that_goes_on() {
    let (store, ran) = (Arc::new(MemoryStore::new()) as Arc<dyn Store>, Ran::default());
    let (first, _) = process(Arc::clone(&store));
    first.session("work").model("local:tiny").create().await.unwrap();
    let main = open(&first, &ran).await;
    let mut stream = main.chat("work").with_tools(ToolSelection::All).stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Called(_)))) {}
    std::mem::forget(stream);
    // Nobody repairs anything by hand: the next process just says something.
    let (second, provider) = process(store);
    let main = open(&second, &ran).await;
    go_on(&main, &provider).await;
    let view = main.view().await.unwrap();
    let unknown =
        |body: &Body| matches!(body, Body::ActionResponse { outcome: Outcome::Unknown, .. });
    assert!(view.messages().any(|message| unknown(&message.body)), "the model is told");
}

/// goose#3249: a call that fails is told as a result.
#[tokio::test]
async fn a_call_that_fails_keeps_its_pair() {
    let (main, provider) = called().await;
    let view = main.view().await.unwrap();
    assert_eq!(view.messages().nth(3).unwrap().text(), "failed: no such file");
    go_on(&main, &provider).await;
}

/// hermes-agent#42273: a fork drops the links between calls and results.
#[tokio::test]
async fn a_fork_at_any_message_is_legal() {
    let (main, provider) = called().await;
    for message in main.view().await.unwrap().messages() {
        let fork = main.fork_unnamed().at(message.id).await.unwrap();
        go_on(&fork, &provider).await;
    }
}

/// opencode#5750, pydantic-ai#4728: pruning takes one half of a pair.
#[tokio::test]
async fn what_is_taken_out_or_hidden_goes_in_pairs() {
    for count in 0..5 {
        let (main, provider) = called().await;
        main.rollback(count).await.unwrap();
        go_on(&main, &provider).await;
    }
    for index in 0..5 {
        let (main, provider) = called().await;
        let id = main.view().await.unwrap().messages().nth(index).unwrap().id;
        main.remove(id).await.unwrap();
        go_on(&main, &provider).await;
    }
    for role in [Role::User, Role::Assistant, Role::Tool] {
        let (main, provider) = called().await;
        let shown = Filter::new().with_role(role);
        main.chat("and now?").with_shown(shown).await.unwrap();
        let shown = provider.requests().pop().unwrap().messages;
        assert_eq!(breaches(&shown), Vec::<String>::new(), "{role}");
    }
}

/// openai-agents-python#4827, openclaw#10911: a result is kept whose call is not there.
#[tokio::test]
async fn a_result_without_its_call_cannot_be_written() {
    let (main, provider) = called().await;
    for id in ["call_0", "call_7"] {
        let result = Draft::result(CallId::new(id), "look", Outcome::Succeeded(1.into()));
        let refused = main.append(result).await;
        assert!(matches!(refused, Err(Error::Change(_))), "{refused:?}");
    }
    go_on(&main, &provider).await;
}

/// fastagent#26: a provider that counts its calls anew in each answer makes an open one look settled.
#[tokio::test]
async fn identifiers_that_come_again_are_of_their_own_answer() {
    let call = || Script::calls([("call_0", "look", "{}")]);
    let scripts = [call(), Script::text("well"), call(), Script::text("well")];
    let (session, provider) = session(scripts).await;
    let main = session.default_branch();
    main.register(tool("look", ToolEffect::Pure, &Ran::default())).unwrap();
    main.chat("look").with_tools(ToolSelection::All).await.unwrap();
    let mut stream = main.chat("look again").with_tools(ToolSelection::All).stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Called(_)))) {}
    drop(stream);
    go_on(&main, &provider).await;
}

/// qwen-code#9573: what ended well is shown as missing when the session is opened again.
#[tokio::test]
async fn results_are_there_when_the_session_is_opened_again() {
    let (store, ran) = (Arc::new(MemoryStore::new()) as Arc<dyn Store>, Ran::default());
    let (first, _) = process(Arc::clone(&store));
    first.session("work").model("local:tiny").create().await.unwrap();
    open(&first, &ran).await.chat("work").with_tools(ToolSelection::All).await.unwrap();
    let (second, _) = process(store);
    let view = open(&second, &ran).await.view().await.unwrap();
    let results = view.messages().filter(|message| message.role() == Role::Tool);
    let texts: Vec<_> = results.map(|message| message.text()).collect();
    assert_eq!(texts, ["once a", "look bb", "put cccc", "look d", "once ee"]);
}

/// strands harness-sdk#3651: the provider fails between the calls and the answer.
#[tokio::test]
async fn a_failure_after_the_results_can_be_gone_on_with() {
    let error = ProviderError::Auth { status: Some(401), detail: String::new() };
    let scripts = [
        Script::calls([("call_0", "look", "{}")]),
        Script::new().with_start().with_text("par").with_error(error),
        Script::text("well"),
    ];
    let (session, provider) = session(scripts).await;
    let main = session.default_branch();
    main.register(tool("look", ToolEffect::Pure, &Ran::default())).unwrap();
    let failed = main.chat("look").with_tools(ToolSelection::All).await;
    assert!(matches!(failed, Err(Error::Provider(_))), "{failed:?}");
    assert_eq!(main.view().await.unwrap().last().unwrap().status, Status::Failed);
    main.append(says("by hand")).await.unwrap();
    go_on(&main, &provider).await;
}
