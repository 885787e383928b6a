//! A program that is run again on what was logged of it: each request has its answer, and what differs is
//! told.

use std::sync::Arc;

use branchwork::{
    Branch, Engine, Error, Session, TurnEvent,
    core::{
        config::ConfigPatch,
        message::{Body, Draft, Status},
        provider::{Provider as _, ProviderError},
    },
    replay::{Difference, Drift, Place, ReplayProvider, Tape},
    tools::{FunctionTool, ToolError},
};
use branchwork_testkit::{Gate, Script};
use futures_util::{FutureExt as _, StreamExt as _};

use crate::{
    support::{session, texts},
    work::Nothing,
};

/// An engine that asks `tape`, and a new session on it.
async fn again(tape: ReplayProvider) -> (Session, Arc<ReplayProvider>) {
    let (engine, provider) = (Engine::in_memory(), Arc::new(tape));
    let builder = engine.session("trip").provider("local", Arc::clone(&provider) as _);
    (builder.model("tiny").create().await.unwrap(), provider)
}

/// What `error` says of a request that was refused.
fn refusal(error: &Error) -> &str {
    match error {
        Error::Provider(ProviderError::InvalidRequest { detail, .. }) => detail,
        other => panic!("it is refused: {other}"),
    }
}

async fn asked(texts: &[&str]) -> Session {
    let (session, _) = session(texts.iter().map(|text| Script::text(format!("{text}!")))).await;
    for text in texts {
        session.default_branch().chat(*text).await.unwrap();
    }
    session
}

async fn tape(session: &Session) -> Tape {
    session.tape().await.unwrap()
}

#[tokio::test]
async fn a_program_that_is_the_same_gets_the_same_and_nothing_is_left() {
    let source = asked(&["one", "two"]).await;
    let tape = tape(&source).await;
    assert_eq!((tape.len(), tape.providers().collect::<Vec<_>>()), (2, vec!["local"]));
    let (session, provider) = again(tape.strict()).await;
    let main = session.default_branch();
    main.chat("one").await.unwrap();
    assert_eq!(provider.unasked().len(), 1);
    let reply = main.chat("two").await.unwrap();
    assert_eq!((reply.text.as_str(), reply.model.as_deref()), ("two!", Some("scripted")));
    assert_eq!(reply.usage.unwrap().output_tokens, Some(1));
    assert_eq!(texts(&main).await, texts(&source.default_branch()).await);
    assert_eq!((provider.drifts(), provider.unasked()), (Vec::new(), Vec::new()));
    assert_eq!(provider.models().await.unwrap()[0].id, "tiny");
}

#[tokio::test]
async fn the_same_request_side_by_side_is_answered_in_the_order_of_the_log() {
    let (source, _) = session(["a", "b", "c", "a2", "b2", "c2"].map(Script::text)).await;
    let flow = async |session: &Session| -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for name in ["one", "two", "three"] {
            let fork = session.default_branch().fork(name).await.unwrap();
            fork.chat("roll").await.unwrap();
        }
        for name in ["one", "two", "three"] {
            let fork = session.branch(name).await.unwrap();
            fork.chat("again").await.unwrap();
            all.push(texts(&fork).await);
        }
        all
    };
    let first = flow(&source).await;
    let (session, provider) = again(tape(&source).await.strict()).await;
    assert_eq!(flow(&session).await, first);
    assert_eq!(provider.unasked(), Vec::new());
}

#[tokio::test]
async fn a_strict_replay_refuses_what_was_not_asked_and_says_where_it_differs() {
    let source = asked(&["Rome in May?", "And if it rains?"]).await;
    let calls = source.calls().await.unwrap();
    let (session, provider) = again(tape(&source).await.strict()).await;
    let main = session.default_branch();
    main.chat("Rome in May?").await.unwrap();
    let error = main.chat("And if it snows?").await.unwrap_err();
    let said = refusal(&error);
    assert!(said.ends_with("message 2 differs in its text, from byte 10 on"), "{said}");
    assert!(!said.contains("snows") && said.contains(&calls[1].answer.to_string()), "{said}");
    let place = Place::Text { byte: 10, logged: "rains?".to_owned(), now: "snows?".to_owned() };
    let differences = vec![Difference::Message { index: 2, place }];
    let expected = Drift::Asked { answer: calls[1].answer, differences };
    assert_eq!(provider.drifts(), [expected]);
    assert_eq!(provider.unasked(), [Drift::Unasked { answer: calls[1].answer }]);
    // What was refused can be asked as it was.
    main.retry().with_text("And if it rains?").await.unwrap();
    assert_eq!(provider.unasked(), Vec::new());
}

#[tokio::test]
async fn a_strict_replay_keeps_the_order_of_a_branch_and_the_number_of_calls() {
    let (source, _) = session(["a", "b"].map(Script::text)).await;
    let main = source.default_branch();
    main.chat("one").await.unwrap();
    main.undo().await.unwrap();
    main.chat("two").await.unwrap();
    let answers: Vec<_> = source.calls().await.unwrap().iter().map(|call| call.answer).collect();
    let (session, provider) = again(tape(&source).await.strict()).await;
    let main = session.default_branch();
    let error = main.chat("two").await.unwrap_err();
    assert!(refusal(&error).contains("is asked before what"), "{error:?}");
    main.undo().await.unwrap();
    main.chat("one").await.unwrap();
    main.undo().await.unwrap();
    let error = main.chat("one").await.unwrap_err();
    assert!(refusal(&error).ends_with("is asked more often than it was logged"), "{error:?}");
    main.undo().await.unwrap();
    main.chat("two").await.unwrap();
    let error = main.chat("three").await.unwrap_err();
    assert!(refusal(&error).ends_with("and was not"), "{error:?}");
    let expected = [
        Drift::OutOfOrder { answer: answers[1], before: answers[0] },
        Drift::Repeated { answer: answers[0] },
        Drift::Unlogged { after: Some(answers[1]) },
    ];
    assert_eq!(provider.drifts(), expected);
}

#[tokio::test]
async fn a_drifting_replay_answers_with_what_is_nearest_and_tells_all() {
    let (source, _) = session(["a", "b", "c"].map(Script::text)).await;
    let main = source.default_branch();
    main.chat("one").await.unwrap();
    let fork = main.fork("fork").await.unwrap();
    main.chat("sun").await.unwrap();
    fork.chat("rain").await.unwrap();
    let answers: Vec<_> = source.calls().await.unwrap().iter().map(|call| call.answer).collect();
    let (session, provider) = again(tape(&source).await.drifting()).await;
    let main = session.default_branch();
    main.configure(ConfigPatch::new().with_temperature(0.5).with_model(None, "big")).await.unwrap();
    let tool = FunctionTool::new("look", "Looks.", async |_: Nothing| Ok::<_, ToolError>(1));
    main.register(tool).unwrap();
    main.append(Draft::new(Body::System { text: "Hm.".to_owned() })).await.unwrap();
    let reply = main.chat("one").with_tools("look").in_one_piece().await.unwrap();
    assert_eq!(reply.text, "a");
    let Drift::Asked { answer, differences } = &provider.drifts()[0] else { panic!("it drifts") };
    assert_eq!(*answer, answers[0]);
    let clauses: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        clauses,
        [
            "the setting `model` is another",
            "the setting `temperature` is another",
            "the tools on offer are others: `look` new",
            "it asks for a stream and did not, or no longer does",
            "message 0 differs in its kind",
            "it has 2 messages, and had 1",
        ]
    );
    main.undo().await.unwrap();
    main.chat("nobody knows").await.unwrap();
    main.chat("at all").await.unwrap();
    let error = main.chat("none is left").await.unwrap_err();
    assert!(refusal(&error).contains("a model is asked"), "{error:?}");
    assert_eq!((provider.drifts().len(), provider.unasked()), (4, Vec::new()));
}

#[tokio::test]
async fn the_nearest_call_is_the_one_of_the_same_branch_and_turn() {
    let (source, _) = session(["a", "b", "c", "d"].map(Script::text)).await;
    let main = source.default_branch();
    main.chat("one").await.unwrap();
    let fork = main.fork("fork").await.unwrap();
    main.chat("sun").await.unwrap();
    fork.chat("rain").await.unwrap();
    fork.chat("wind").await.unwrap();
    let (session, _) = again(tape(&source).await.drifting()).await;
    let main = session.default_branch();
    main.chat("one").await.unwrap();
    let fork = main.fork("fork").await.unwrap();
    assert_eq!(fork.chat("rain").await.unwrap().text, "c");
    assert_eq!(fork.chat("wind, and more of it").await.unwrap().text, "d");
    assert_eq!(main.chat("sunshine").await.unwrap().text, "b");
}

/// Reads a chat until it says no more.
async fn half(branch: &Branch) -> Status {
    let mut stream = branch.chat("one").stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(_)))) {}
    assert!(stream.next().now_or_never().is_none(), "nothing more comes");
    stream.interrupt().await.unwrap().unwrap().message.status
}

#[tokio::test]
async fn calls_that_failed_or_were_stopped_are_what_they_were() {
    let gate = Gate::new();
    let stopped = Script::new().with_start().with_text("half").with_gate(&gate);
    let failure = ProviderError::TooLong { detail: "too long".to_owned() };
    let broken = Script::new().with_start().with_text("so").with_error(failure);
    let failure = ProviderError::Auth { status: Some(401), detail: "no".to_owned() };
    let (source, _) = session([stopped, broken, Script::refusal(failure)]).await;
    let main = source.default_branch();
    assert_eq!(half(&main).await, Status::Interrupted);
    main.chat("two").await.unwrap_err();
    main.chat("three").await.unwrap_err();
    let (session, provider) = again(tape(&source).await.strict()).await;
    let out = session.default_branch();
    assert_eq!(half(&out).await, Status::Interrupted);
    let error = out.chat("two").await.unwrap_err();
    assert!(matches!(error, Error::Provider(ProviderError::TooLong { .. })), "{error:?}");
    let error = out.chat("three").await.unwrap_err();
    assert!(matches!(error, Error::Provider(ProviderError::Auth { .. })), "{error:?}");
    assert_eq!(texts(&out).await, texts(&main).await);
    assert_eq!(provider.unasked(), Vec::new());
    let failures = async |session: &Session| -> Vec<_> {
        let calls = session.calls().await.unwrap();
        calls.into_iter().map(|call| (call.call.finish, call.call.failure)).collect()
    };
    assert_eq!(failures(&session).await, failures(&source).await);
}
