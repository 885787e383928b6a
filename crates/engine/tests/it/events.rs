//! What readers hear of a branch: numbered, once, whenever they come.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use branchwork::{
    Branch, Error,
    core::{
        config::ConfigPatch,
        message::{Body, Role},
        provider::{Finish, ProviderError, ProviderEvent, Usage},
        store::{MemoryStore, Store},
        tool::{ToolEffect, ToolSelection},
    },
    events::{Event, EventKind},
    sqlite::SqliteStore,
};
use branchwork_testkit::{Gate, Script};
use futures_util::{FutureExt as _, StreamExt as _};

use crate::{
    support::{engine_over, says, session},
    work::{Ran, open, process, tool},
};

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

/// All durable events, read `limit` moves at a time.
async fn all(branch: &Branch, limit: usize) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    loop {
        let seq = all.last().map_or(0, |event| event.seq);
        let page = branch.events(seq, limit).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// The next events of a stream that are there already.
fn heard(follow: &mut branchwork::events::Follow) -> Vec<Event> {
    let mut heard = Vec::new();
    while let Some(Some(event)) = follow.next().now_or_never() {
        heard.push(event.unwrap());
    }
    heard
}

#[tokio::test]
async fn a_turn_with_tools_is_told_the_same_from_every_number_and_by_every_process() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ran) = (folder.path().join("chats.db"), Ran::default());
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).unwrap());
    let (engine, _) = process(Arc::clone(&store));
    engine.session("work").model("local:tiny").create().await.unwrap();
    let main = open(&engine, &ran).await;
    let mut follow = main.follow(0);
    main.chat("work").with_tools(ToolSelection::All).await.unwrap();
    main.configure(ConfigPatch::new().with_seed(7)).await.unwrap();
    main.undo().await.unwrap();

    let events = all(&main, 1_000).await;
    let view = main.view().await.unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names(&events) {
        *counts.entry(name).or_default() += 1;
    }
    // Made, begun with a configuration, undone; five calls, three answers.
    let expected = [
        ("call_completed", 5),
        ("changed", 2),
        ("message_completed", view.len() - 1),
        ("moved", 2),
        ("turn_completed", 1),
        ("turn_started", 1),
        ("usage", 3),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    // Each call ends once, and before its message comes.
    let place = |wanted: &dyn Fn(&EventKind) -> bool| {
        events.iter().position(|event| wanted(&event.kind)).unwrap()
    };
    for message in view.messages().filter(|message| message.role() == Role::Tool) {
        let Body::ActionResponse { call, .. } = &message.body else { panic!("it is a result") };
        let ended = |kind: &EventKind| matches!(kind, EventKind::CallCompleted(result) if result.call == *call);
        let told = |kind: &EventKind| matches!(kind, EventKind::MessageCompleted(told) if told.id == message.id);
        assert!(place(&ended) < place(&told), "{call}");
    }
    for limit in 1..6 {
        assert_eq!(all(&main, limit).await, events, "{limit} at a time");
    }
    for seq in 0..=events.last().unwrap().seq {
        let rest = main.events(seq, 1_000).await.unwrap();
        let expected = &events[events.len() - rest.len()..];
        assert_eq!(rest, expected, "after {seq}");
        assert!(events[..events.len() - rest.len()].iter().all(|event| event.seq <= seq));
    }
    // Live pieces are the answers; what is durable is the same.
    let mut live: Vec<Event> = Vec::new();
    while live.last().map(|event| event.seq) != events.last().map(|event| event.seq) {
        live.push(follow.next().await.unwrap().unwrap());
    }
    let is_durable = |event: &&Event| {
        let name = event.kind.as_str();
        !matches!(name, "text" | "reasoning" | "call_started" | "call_arguments")
    };
    assert_eq!(live.iter().filter(is_durable).cloned().collect::<Vec<_>>(), events);

    let other = process(Arc::new(SqliteStore::open(&path).unwrap())).0;
    let other = other.open_session("work").await.unwrap().default_branch();
    assert_eq!(all(&other, 3).await, events);
    let Err(Error::NotFound { what: "event", .. }) = other.events(1_000, 1).await else {
        panic!("there is no such number")
    };
}

#[tokio::test]
async fn a_late_reader_hears_an_answer_from_its_beginning_and_goes_on() {
    let gate = Gate::new();
    let script = Script::new()
        .with_start()
        .with_event(ProviderEvent::Reasoning("warm".to_owned()))
        .with_text("Ro")
        .with_text("me")
        .with_gate(&gate)
        .with_text(".")
        .with_end(Finish::Stop);
    let (session, _) = session([script]).await;
    let main = session.default_branch();
    let begin = main.record().await.unwrap().revision;
    let mut early = main.follow(begin);
    assert!(early.next().now_or_never().is_none(), "nothing happens yet");
    let mut chat = main.chat("Where?").into_future();
    tokio::select! {
        _ = &mut chat => panic!("it waits at the gate"),
        () = gate.reached() => {}
    }
    let mut late = main.follow(begin);
    let at_first = [heard(&mut early), heard(&mut late)];
    for events in &at_first {
        assert_eq!(names(events).first(), Some(&"turn_started"));
        let pieces: Vec<_> = events[1..].iter().map(|event| event.kind.clone()).collect();
        let said = |text: &str| EventKind::Text(text.to_owned());
        assert_eq!(pieces, [EventKind::Reasoning("warm".to_owned()), said("Rome")]);
        assert!(events[1..].iter().all(|event| event.seq == begin + 1), "none of it is durable");
    }
    gate.release();
    chat.await.unwrap();
    let done = ["usage", "message_completed", "turn_completed"];
    for follow in [&mut early, &mut late] {
        let events = heard(follow);
        // Whoever did not listen meanwhile hears the whole answer at once.
        assert_eq!(names(&events), done);
        assert_eq!(
            events.iter().map(|event| event.seq).collect::<Vec<_>>(),
            [2, 2, 3].map(|n| begin + n - 1)
        );
    }
    let again = main.events(begin + 1, 10).await.unwrap();
    assert_eq!(names(&again), done, "coming back gives what came after");
    let counted = |usage: &Usage| usage.input_tokens == Some(1);
    assert!(matches!(&again[0].kind, EventKind::Usage(usage) if counted(usage)));
}

#[tokio::test]
async fn turns_that_fail_or_are_stopped_say_so_and_every_change_is_told() {
    let gate = Gate::new();
    let fails = Script::new().with_text("Ro").with_error(ProviderError::Truncated { source: None });
    let hangs = Script::new().with_text("Os").with_gate(&gate);
    let (session, _) = session([fails, hangs]).await;
    let main = session.default_branch();
    let begin = main.record().await.unwrap().revision;
    main.chat("Where?").await.unwrap_err();
    let mut asked = main.chat("And where else?").into_future();
    tokio::select! {
        _ = &mut asked => panic!("it waits at the gate"),
        () = gate.reached() => {}
    }
    let (stopped, asked) = tokio::join!(main.interrupt(), asked);
    assert!(stopped && asked.is_err());
    let first = main.append(says("Well.")).await.unwrap().messages[0];
    main.edit(first, Body::instruction("Well?")).await.unwrap();
    main.remove(first).await.unwrap();
    main.rollback(1).await.unwrap();
    let events = main.events(begin, 100).await.unwrap();
    let expected = [
        "turn_started",
        "message_completed",
        "turn_failed",
        "turn_started",
        "message_completed",
        "turn_interrupted",
        "message_completed",
        "changed",
        "changed",
        "moved",
    ];
    assert_eq!(names(&events), expected);
    let fork = main.fork("other").await.unwrap();
    let born = fork.events(0, 100).await.unwrap();
    let head = main.record().await.unwrap().head;
    assert!(
        matches!(born[..], [Event { kind: EventKind::Moved { head: at, .. }, .. }] if at == head)
    );
    let mut follow = fork.follow(1);
    fork.delete().await.unwrap();
    assert!(matches!(follow.next().await, Some(Err(Error::Store(_)))));
    assert!(follow.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_another_process_does_is_heard_by_looking() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (here, there) = (engine_over(Arc::clone(&store)), engine_over(store));
    let main = here.session("trip").create().await.unwrap().default_branch();
    let other = there.open_session("trip").await.unwrap().default_branch();
    let begin = main.record().await.unwrap().revision;
    let mut follow = main.follow_polling(begin, Duration::from_millis(50));
    assert!(follow.next().now_or_never().is_none());
    other.append(says("Rome?")).await.unwrap();
    let event = follow.next().await.unwrap().unwrap();
    assert!(matches!(event.kind, EventKind::MessageCompleted(said) if said.text() == "Rome?"));
}

#[tokio::test]
async fn a_bare_branch_and_one_that_others_moved_are_heard_to_the_newest_event() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (here, there) = (engine_over(Arc::clone(&store)), engine_over(store));
    let main = here.session("trip").create().await.unwrap().default_branch();
    let mut follow = main.follow(main.record().await.unwrap().revision);
    main.append(says("Rome?")).await.unwrap();
    assert_eq!(names(&heard(&mut follow)), ["message_completed"]);
    let other = there.open_session("trip").await.unwrap().default_branch();
    other.undo().await.unwrap();
    other.redo().await.unwrap();
    main.append(says("Or Oslo?")).await.unwrap();
    assert_eq!(names(&heard(&mut follow)), ["moved", "moved", "message_completed"]);
    assert_eq!(main.view().await.unwrap().len(), 2);
}

#[tokio::test]
async fn calls_that_are_named_as_earlier_ones_are_told_too_wherever_a_page_begins() {
    let calls = || Script::calls([("c0", "look", "{}"), ("c1", "look", "{}")]);
    let (session, _) = session([calls(), calls(), Script::text("done")]).await;
    let ran = Ran::default();
    let main = session.default_branch();
    main.register(tool("look", ToolEffect::Pure, &ran)).unwrap();
    main.chat("work").with_tools(ToolSelection::All).await.unwrap();
    for limit in [1, 2, 3, 100] {
        let events = all(&main, limit).await;
        let ended = names(&events).into_iter().filter(|name| *name == "call_completed").count();
        assert_eq!(ended, 4, "{limit} moves at a time");
        assert_eq!(names(&events).last(), Some(&"turn_completed"));
    }
}
