//! The fakes keep their promises.

use std::{
    collections::BTreeSet,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use branchwork_core::{
    clock::{Clock as _, Timestamp},
    config::Config,
    id::{IdSource as _, MessageId, StretchId},
    message::{Body, CallId, Message, Outcome, Status, ToolCall},
    provider::{EventStream, Finish, ModelRequest, Provider as _, ProviderError, ProviderEvent},
};
use branchwork_testkit::{Gate, Script, ScriptedProvider, SequentialIds, TestClock, clock};
use futures_util::StreamExt as _;
use serde_json::Map;

fn request(bodies: Vec<Body>) -> ModelRequest {
    let ids = SequentialIds::new();
    let message = |body: Body| Message {
        id: MessageId::from_bits(ids.next_bits()),
        at: clock::START,
        sender: body.role().to_string(),
        recipient: None,
        body,
        metadata: Map::new(),
        status: Status::Complete,
        edited: None,
        origin: None,
    };
    let messages = bodies.into_iter().map(|body| Arc::new(message(body))).collect();
    ModelRequest::new(messages, Config::default())
}

fn hello() -> ModelRequest {
    request(vec![Body::instruction("hello")])
}

async fn texts(stream: EventStream) -> Vec<String> {
    let text = |event| match event {
        Ok(ProviderEvent::Text(text)) => Some(text),
        Err(error) => Some(format!("failed: {error}")),
        _ => None,
    };
    stream.collect::<Vec<_>>().await.into_iter().filter_map(text).collect()
}

#[tokio::test]
async fn scripts_are_given_in_order_and_requests_are_kept() {
    let provider = ScriptedProvider::new()
        .with_script(Script::text("one"))
        .with_script(Script::refusal(ProviderError::TooLong { detail: String::new() }))
        .with_script(Script::new().with_start().with_text("half"));
    let first = provider.call(&hello()).await.expect("it answers");
    assert_eq!(texts(first).await, ["one"]);
    let refused = provider.call(&hello()).await.err();
    assert!(matches!(refused, Some(ProviderError::TooLong { .. })), "{refused:?}");
    let cut = provider.call(&hello()).await.expect("it answers");
    assert_eq!(texts(cut).await, ["half", "failed: the answer was cut off"]);
    assert_eq!((provider.requests().len(), provider.remaining(), provider.cancelled()), (3, 0, 0));
    let none = provider.call(&hello()).await.err();
    assert!(matches!(none, Some(ProviderError::InvalidRequest { .. })), "{none:?}");
}

#[tokio::test]
async fn an_answer_waits_at_its_gate_until_it_is_released() {
    let gate = Gate::new();
    let script = Script::new().with_text("before").with_gate(&gate).with_text("after");
    let provider = ScriptedProvider::new().with_script(script.with_end(Finish::Stop));
    let mut stream = provider.call(&hello()).await.expect("it answers");
    assert!(matches!(stream.next().await, Some(Ok(ProviderEvent::Text(text))) if text == "before"));
    let mut ctx = Context::from_waker(Waker::noop());
    assert!(matches!(stream.poll_next_unpin(&mut ctx), Poll::Pending));
    gate.reached().await;
    gate.release();
    assert_eq!(texts(stream).await, ["after"]);
}

#[tokio::test]
async fn an_answer_that_is_dropped_counts_as_cancelled() {
    let provider = ScriptedProvider::answering(|request| {
        Script::text(format!("{} messages", request.messages.len()))
    });
    drop(provider.call(&hello()).await.expect("it answers"));
    assert_eq!(provider.cancelled(), 1);
    let whole = provider.call(&hello()).await.expect("it answers");
    assert_eq!(texts(whole).await, ["1 messages"]);
    assert_eq!(provider.cancelled(), 1);
}

#[tokio::test]
async fn a_request_with_an_open_call_is_refused() {
    let call =
        ToolCall { id: CallId::new("a"), function: "look".to_owned(), arguments: "{}".to_owned() };
    let asks = Body::ActionRequest { parts: Vec::new(), calls: vec![call.clone()] };
    let function = call.function;
    let result = Body::ActionResponse { call: call.id, function, outcome: Outcome::Unknown };
    let says = Body::instruction("hello");
    let provider = ScriptedProvider::answering(|_| Script::text("fine"));
    for (bodies, is_fine) in [
        (vec![asks.clone(), result.clone()], true),
        (vec![asks.clone()], false),
        (vec![asks.clone(), says.clone(), result.clone()], false),
        (vec![asks, result.clone(), result.clone()], false),
        (vec![result], false),
    ] {
        let request = request(bodies);
        assert_eq!(provider.call(&request).await.is_ok(), is_fine);
        assert_eq!(provider.render(&request).is_ok(), is_fine);
    }
    let rendered = provider.render(&request(vec![says])).expect("it is fine");
    assert_eq!(rendered.body.to_string(), "user user: \"hello\"\n");
}

#[test]
fn time_moves_when_it_is_asked() {
    let clock = TestClock::new();
    assert_eq!((clock.now(), clock.now()), (clock::START, plus(1)));
    clock.advance(Duration::from_millis(1));
    assert_eq!(clock.now(), plus(1_002));
    clock.set(Timestamp::from_micros(5));
    assert_eq!(clock.now(), Timestamp::from_micros(5));
}

fn plus(micros: i64) -> Timestamp {
    Timestamp::from_micros(clock::START.as_micros() + micros)
}

#[test]
fn identifiers_of_two_spaces_never_meet_nor_do_their_stretches() {
    let spaces = [SequentialIds::new(), SequentialIds::in_space(1), SequentialIds::in_space(2)];
    let stretches: BTreeSet<_> = spaces
        .iter()
        .flat_map(|ids| (0..100).map(|_| StretchId::from_bits(ids.next_bits())))
        .collect();
    assert_eq!(stretches.len(), 300);
}
