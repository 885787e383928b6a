//! Cancelling: what had come is kept as interrupted, wherever the caller stops.

use std::task::Poll;

use branchwork::{
    TurnEvent,
    core::{
        message::{Body, Draft, Status},
        provider::Finish,
    },
};
use branchwork_testkit::{Gate, Script};
use futures_util::StreamExt as _;

use crate::support::{session, texts};

fn gated(gate: &Gate) -> Script {
    Script::new()
        .with_start()
        .with_text("Once ")
        .with_text("upon")
        .with_gate(gate)
        .with_end(Finish::Stop)
}

async fn last_status(branch: &branchwork::Branch) -> Status {
    branch.view().await.unwrap().last().unwrap().status
}

#[tokio::test]
async fn interrupting_keeps_the_part_and_answers_it() {
    let gate = Gate::new();
    let (session, provider) = session([gated(&gate), Script::text("again")]).await;
    let main = session.default_branch();
    let mut stream = main.chat("q").stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(text))) if text == "upon") {}
    let part = stream.interrupt().await.unwrap().unwrap();
    assert_eq!((part.text.as_str(), part.message.status), ("Once upon", Status::Interrupted));
    assert_eq!(part.finish, None);
    assert_eq!(provider.cancelled(), 1, "the call is dropped at once");
    main.chat("go on").await.unwrap();
    assert_eq!(texts(&main).await, ["q", "Once upon", "go on", "again"]);
}

#[tokio::test]
async fn dropping_the_stream_keeps_the_part_too() {
    let gate = Gate::new();
    let (session, _) = session([gated(&gate), Script::text("again")]).await;
    let main = session.default_branch();
    let mut stream = main.chat("q").stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(text))) if text == "upon") {}
    drop(stream);
    // Waits for the turn that is being closed.
    main.append(Draft::new(Body::instruction("next"))).await.unwrap();
    assert_eq!(texts(&main).await, ["q", "Once upon", "next"]);
    let view = main.view().await.unwrap();
    let statuses: Vec<_> = view.messages().map(|message| message.status).collect();
    assert_eq!(statuses, [Status::Complete, Status::Interrupted, Status::Complete]);
}

#[tokio::test]
async fn the_next_turn_waits_until_a_dropped_one_is_closed() {
    let gate = Gate::new();
    let (session, _) = session([gated(&gate), Script::text("again")]).await;
    let main = session.default_branch();
    let mut stream = main.chat("q").stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(text))) if text == "Once ") {}
    drop(stream);
    main.chat("go on").await.unwrap();
    assert_eq!(texts(&main).await, ["q", "Once ", "go on", "again"]);
}

#[tokio::test]
async fn dropping_it_at_any_poll_leaves_nothing_or_a_closed_turn() {
    // The future is polled once more each time before it is dropped, until it gets to its end.
    for polls in 0..64 {
        let script = Script::new().with_start().with_text("x").with_end(Finish::Stop);
        let (session, _) = session([script]).await;
        let main = session.default_branch();
        let mut chat = Box::pin(main.chat("q").into_future());
        let mut done = false;
        let mut left = polls;
        while left > 0 && !done {
            let poll = std::future::poll_fn(|cx| Poll::Ready(chat.as_mut().poll(cx)));
            done = poll.await.is_ready();
            left -= 1;
        }
        drop(chat);
        // Waits for the turn that may be closing, and closes nothing itself.
        main.append(Draft::new(Body::instruction("end"))).await.unwrap();
        let texts = texts(&main).await;
        let whole = ["q", "x", "end"];
        let expected: [&[&str]; 3] = [&["end"], &["q", "", "end"], &whole];
        assert!(
            expected.contains(&texts.iter().map(String::as_str).collect::<Vec<_>>().as_slice()),
            "{texts:?}"
        );
        if done {
            assert_eq!(texts, whole);
            return;
        }
    }
    panic!("the turn never ended");
}

#[tokio::test]
async fn interrupting_before_the_first_poll_writes_nothing() {
    let (session, provider) = session([Script::text("x")]).await;
    let main = session.default_branch();
    assert_eq!(main.chat("q").stream().interrupt().await.unwrap(), None);
    assert_eq!(texts(&main).await, Vec::<String>::new());
    assert_eq!(provider.requests().len(), 0);
}

#[tokio::test]
async fn interrupting_while_the_model_is_asked_closes_the_turn_as_interrupted() {
    let (session, _) = session([Script::text("x")]).await;
    let main = session.default_branch();
    let mut stream = main.chat("q").stream();
    assert!(matches!(stream.next().await, Some(Ok(TurnEvent::Started { .. }))));
    let part = stream.interrupt().await.unwrap().unwrap();
    assert_eq!(part.text, "");
    assert_eq!(last_status(&main).await, Status::Interrupted);
}
