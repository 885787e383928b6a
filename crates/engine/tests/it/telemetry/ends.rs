//! How spans end: also when a turn fails, or nobody waits for it any more.

use std::{task::Poll, time::Duration};

use branchwork::{
    Error, TurnEvent,
    core::{
        provider::{Finish, ProviderError},
        tool::ToolSelection,
        turn::TurnLimits,
    },
    tools::{FunctionTool, ToolSpec},
};
use branchwork_testkit::{Gate, Script, SeenSpan, Spans};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::support::session;

fn failure(span: &SeenSpan) -> (Value, Value, Value) {
    let of = |name| span.get(name);
    (of("error.type"), of("otel.status_code"), of("otel.status_description"))
}

#[tokio::test]
async fn what_a_provider_fails_with_is_told_in_a_word() {
    let spans = Spans::watch();
    let detail = "you said: Where is it warm?".to_owned();
    let refused = ProviderError::RateLimited { retry_after: None, detail };
    let cut = Script::new().with_start().with_text("Ro");
    let (session, _) = session([Script::refusal(refused), cut]).await;
    let main = session.default_branch();
    main.chat("Where is it warm?").await.unwrap_err();
    main.retry().await.unwrap_err();
    let expected =
        |kind: &str, description: &str| (json!(kind), json!("error"), json!(description));
    let expected = [
        expected("rate_limited", "the provider limits the rate of calls"),
        expected("truncated", "the answer was cut off"),
    ];
    for name in ["chat", "invoke_agent"] {
        let told: Vec<_> = spans.named(name).iter().map(failure).collect();
        assert_eq!(told, expected, "{name}");
    }
    assert!(!spans.say("warm"), "nothing that was said is told");
    assert!(spans.all().iter().all(|span| span.is_closed));
}

#[tokio::test]
async fn a_turn_that_could_not_begin_is_told_of_too() {
    let spans = Spans::watch();
    let engine = branchwork::Engine::in_memory();
    let main = engine.session("trip").create().await.unwrap().default_branch();
    assert!(matches!(main.chat("q").await, Err(Error::NoModel)));
    let turn = spans.one("invoke_agent");
    assert_eq!(failure(&turn), (json!("not_set_up"), json!("error"), Value::Null));
    assert!(turn.is_closed && spans.named("chat").is_empty());
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_as_cancelled() {
    let spans = Spans::watch();
    let gate = Gate::new();
    let gated =
        || Script::new().with_start().with_text("Once").with_gate(&gate).with_end(Finish::Stop);
    let (session, _) = session([gated(), gated(), gated(), gated()]).await;
    let main = session.default_branch();
    let read = async |stream: &mut branchwork::ChatStream| {
        while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(_)))) {}
    };
    let mut dropped = main.chat("q").stream();
    read(&mut dropped).await;
    drop(dropped);
    let mut interrupted = main.chat("q").stream();
    read(&mut interrupted).await;
    interrupted.interrupt().await.unwrap();
    let mut stopped = main.chat("q").stream();
    read(&mut stopped).await;
    let (was_busy, last) = tokio::join!(main.interrupt(), stopped.next());
    assert!(was_busy && matches!(last, Some(Err(Error::Interrupted))));
    let limits = TurnLimits::new().with_time(Duration::from_millis(1));
    assert!(matches!(main.chat("q").with_limits(limits).await, Err(Error::OutOfTime { .. })));
    let cancelled = json!("cancelled");
    let kinds = |name| spans.named(name).iter().map(|span| failure(span).0).collect::<Vec<_>>();
    assert_eq!(
        kinds("chat"),
        [cancelled.clone(), cancelled.clone(), cancelled.clone(), cancelled.clone()]
    );
    assert_eq!(
        kinds("invoke_agent"),
        [cancelled.clone(), cancelled.clone(), cancelled, json!("timeout")]
    );
    assert!(spans.all().iter().all(|span| span.is_closed));
}

#[tokio::test]
async fn a_tool_that_is_dropped_ends_as_cancelled() {
    let spans = Spans::watch();
    let gate = Gate::new();
    let (session, _) = session([Script::calls([("c1", "slow", "{}")])]).await;
    let spec = ToolSpec {
        name: "slow".to_owned(),
        description: "Waits.".to_owned(),
        parameters: json!({ "type": "object" }),
    };
    let waiting = gate.clone();
    let slow = FunctionTool::dynamic(spec, move |_, _| {
        let gate = waiting.clone();
        async move {
            gate.pass().await;
            Ok(json!(1))
        }
    });
    session.register(slow).unwrap();
    let main = session.default_branch();
    let mut stream = main.chat("q").with_tools(ToolSelection::All).stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Called(_)))) {}
    let running = std::future::poll_fn(|context| {
        let polled = stream.poll_next_unpin(context);
        assert!(polled.is_pending());
        Poll::Ready(())
    });
    running.await;
    gate.reached().await;
    drop(stream);
    main.view().await.unwrap();
    assert_eq!(failure(&spans.one("execute_tool")).0, "cancelled");
    assert_eq!(failure(&spans.one("chat")).0, Value::Null, "the model had answered");
}

#[tokio::test]
async fn wherever_a_turn_is_dropped_its_spans_end() {
    for polls in 1..64 {
        let spans = Spans::watch();
        let script = Script::new().with_start().with_text("x").with_end(Finish::Stop);
        let (session, _) = session([script]).await;
        let main = session.default_branch();
        let mut chat = Box::pin(main.chat("q").into_future());
        let mut polled = 0;
        let whole_or_late = std::future::poll_fn(|cx| {
            let is_done = chat.as_mut().poll(cx).is_ready();
            polled += 1;
            let is_over = is_done || polled == polls;
            is_over.then_some(is_done).map_or(Poll::Pending, Poll::Ready)
        });
        let done = whole_or_late.await;
        drop(chat);
        // Waits for the turn that may be closing.
        main.append(crate::support::says("end")).await.unwrap();
        let all = spans.all();
        assert!(all.iter().all(|span| span.is_closed), "after {polls} polls: {all:#?}");
        let turn = spans.one("invoke_agent");
        let expected = if done { Value::Null } else { json!("cancelled") };
        assert_eq!(failure(&turn).0, expected, "after {polls} polls");
        if done {
            return;
        }
    }
    panic!("the chat never ended");
}
