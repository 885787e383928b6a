//! A busy branch: a message waits, steers the turn, interrupts it, or goes to a fork, as one chooses.

use std::sync::Arc;

use branchwork::{
    Branch, Error, TurnEvent,
    core::{
        message::{Outcome, Status},
        provider::Finish,
        tool::ToolSelection,
    },
    tools::{FunctionTool, ToolError},
};
use branchwork_testkit::{Gate, Script, ScriptedProvider};
use futures_util::{FutureExt as _, StreamExt as _};

use crate::{
    support::{session, texts},
    work::Nothing,
};

/// A branch whose model calls a tool that waits at the gate, and then is done.
async fn waiting() -> (Branch, Arc<ScriptedProvider>, Gate) {
    let calls = Script::calls([("c1", "wait", "{}")]);
    let (session, provider) = session([calls, Script::text("done"), Script::text("more")]).await;
    let main = session.default_branch();
    let gate = Gate::new();
    let inside = gate.clone();
    let wait = FunctionTool::new("wait", "Waits.", move |_: Nothing| {
        let gate = inside.clone();
        async move {
            gate.pass().await;
            Ok::<_, ToolError>("waited")
        }
    });
    main.register(wait).unwrap();
    (main, provider, gate)
}

#[tokio::test]
async fn what_is_said_joins_before_the_model_is_asked_next() {
    let (main, provider, gate) = waiting().await;
    let mut stream = main.chat("wait").with_tools(ToolSelection::All).stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Called(_)))) {}
    assert!(main.is_busy());
    let mut steer = Box::pin(main.steer("and hurry"));
    assert!(steer.as_mut().now_or_never().is_none(), "it waits");
    gate.release();
    let mut steered = None;
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            TurnEvent::Steered(message) => steered = Some(message),
            TurnEvent::Completed(reply) => assert_eq!(reply.results.len(), 1),
            _ => {}
        }
    }
    assert_eq!(steered.unwrap().id, steer.await.unwrap());
    assert_eq!(texts(&main).await, ["wait", "", "waited", "and hurry", "done"]);
    let shown = provider.requests()[1].messages.last().unwrap().text();
    assert_eq!(shown, "and hurry");
    assert!(!main.is_busy());
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, Vec::<String>::new(), "it is part of the turn");
}

#[tokio::test]
async fn what_no_turn_hears_is_not_said_and_its_sender_knows() {
    let (main, _, gate) = waiting().await;
    assert!(matches!(main.steer("nobody there").await, Err(Error::NotBusy)));
    let mut stream = main.chat("wait").with_tools(ToolSelection::All).stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Called(_)))) {}
    let mut taken_back = Box::pin(main.steer("taken back"));
    assert!(taken_back.as_mut().now_or_never().is_none());
    drop(taken_back);
    gate.release();
    // The model is asked for the last time.
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(_)))) {}
    let mut late = Box::pin(main.steer("late"));
    assert!(late.as_mut().now_or_never().is_none());
    while let Some(event) = stream.next().await {
        event.unwrap();
    }
    assert!(matches!(late.await, Err(Error::NotBusy)));
    assert_eq!(texts(&main).await, ["wait", "", "waited", "done"]);
    assert!(matches!(main.steer("a\0b").await, Err(Error::Draft(_))));
}

#[tokio::test]
async fn another_handle_stops_a_turn_and_what_had_come_is_kept() {
    let gate = Gate::new();
    let script = Script::new().with_start().with_text("par").with_gate(&gate).with_text("t");
    let (session, _) = session([script.with_end(Finish::Stop), Script::text("next")]).await;
    let main = session.default_branch();
    assert!(!main.interrupt().await, "nothing goes on");
    let other = session.branch("main").await.unwrap();
    let mut stream = main.chat("q").stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(_)))) {}
    let rest = async {
        let last = stream.by_ref().collect::<Vec<_>>().await.pop().unwrap();
        // Its turn is over: the other one need not wait.
        drop(stream);
        last
    };
    let (last, stopped) = tokio::join!(rest, other.interrupt());
    assert!(stopped && matches!(last, Err(Error::Interrupted)), "{last:?}");
    let view = main.view().await.unwrap();
    let answer = view.last().unwrap();
    assert_eq!((answer.text().as_str(), answer.status), ("par", Status::Interrupted));
    assert_eq!(main.chat("and now?").await.unwrap().text, "next");
}

#[tokio::test]
async fn a_turn_that_is_stopped_while_tools_run_tells_of_each_call() {
    let (main, _, _gate) = waiting().await;
    let chat = main.chat("wait").with_tools(ToolSelection::All).into_future();
    let stop = async {
        while main.view().await.unwrap().open_calls().is_empty() {
            tokio::task::yield_now().await;
        }
        main.interrupt().await
    };
    let (reply, stopped) = tokio::join!(chat, stop);
    assert!(stopped && matches!(reply, Err(Error::Interrupted)), "{reply:?}");
    assert_eq!(texts(&main).await[2], Outcome::Unknown.text());
}

#[tokio::test]
async fn a_fork_does_not_wait_for_the_turn() {
    let (main, _, gate) = waiting().await;
    let mut stream = main.chat("wait").with_tools(ToolSelection::All).stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Called(_)))) {}
    let first = main.view().await.unwrap().messages().next().unwrap().id;
    let fork = main.fork("meanwhile").at(first).await.unwrap();
    assert!(main.is_busy() && !fork.is_busy());
    assert_eq!(fork.chat("and here?").await.unwrap().text, "done");
    gate.release();
    while let Some(event) = stream.next().await {
        event.unwrap();
    }
    assert_eq!(texts(&main).await.last().unwrap(), "more");
}
