//! The first turn of a fork is linked with the turn that it goes on from.

use std::sync::Arc;

use branchwork::{
    Branch, Engine,
    core::{
        config::ConfigPatch,
        message::Message,
        provider::{Finish, ProviderEvent},
    },
    telemetry::{TRACEPARENT_KEY, Telemetry},
};
use branchwork_testkit::{Gate, Script, ScriptedProvider, Spans};
use serde_json::{Value, json};

use super::told;

/// An exporter that calls spans by their number in `tracing`.
fn exported() -> Telemetry {
    Telemetry::new().with_traceparent(|span| Some(traceparent(span.id()?.into_u64())))
}

fn traceparent(number: u64) -> String {
    format!("00-{number:032x}-{number:016x}-01")
}

fn kept(message: &Message) -> Value {
    message.metadata.get(TRACEPARENT_KEY).cloned().unwrap_or_default()
}

/// What the turn that was told of last says it goes on from.
fn link(spans: &Spans) -> Value {
    spans.named("invoke_agent").last().unwrap().get("branchwork.turn.link")
}

async fn instruction(branch: &Branch) -> Arc<Message> {
    let view = branch.view().await.unwrap();
    let is_asked = |message: &&Arc<Message>| message.role().as_str() == "user";
    Arc::clone(view.messages().rev().find(is_asked).unwrap())
}

#[tokio::test]
async fn the_first_turn_of_a_fork_is_linked_with_its_anchor() {
    let spans = Spans::watch();
    let session = told(exported(), (0..9).map(|_| Script::text("a"))).await;
    let main = session.default_branch();
    main.chat("one").await.unwrap();
    assert_eq!(link(&spans), Value::Null, "there is nothing before it");
    let anchor = kept(&*instruction(&main).await);
    assert!(anchor.as_str().unwrap().starts_with("00-"), "{anchor}");
    main.chat("two").await.unwrap();
    assert_eq!(link(&spans), Value::Null, "it goes on where it was");

    let at = main.view().await.unwrap().messages().next().unwrap().id;
    let fork = main.fork("other").at(at).config(ConfigPatch::new().with_temperature(0.1));
    let fork = fork.await.unwrap();
    fork.chat("three").await.unwrap();
    assert_eq!(link(&spans), anchor, "also when the fork begins with a configuration");
    fork.chat("four").await.unwrap();
    assert_eq!(link(&spans), Value::Null);
    fork.undo().await.unwrap();
    fork.undo().await.unwrap();
    fork.chat("five").await.unwrap();
    assert_eq!(link(&spans), anchor, "it is the first turn again");

    main.undo().await.unwrap();
    main.chat("six").await.unwrap();
    assert_eq!(link(&spans), anchor, "it goes on elsewhere than it was");
    main.chat("seven").await.unwrap();
    assert_eq!(link(&spans), Value::Null);

    let second = main.fork("second").await.unwrap();
    second.chat("eight").await.unwrap();
    assert_eq!(link(&spans), kept(&*instruction(&main).await));
    assert_ne!(link(&spans), anchor);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_anchor_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trip.db");
    let open = async |telemetry: Telemetry| {
        let store = branchwork::sqlite::SqliteStore::open(&path).unwrap();
        let engine = Engine::builder().store(Arc::new(store)).telemetry(telemetry).build();
        engine.register("local", Arc::new(ScriptedProvider::answering(|_| Script::text("a"))));
        engine
    };
    let spans = Spans::watch();
    let engine = open(exported()).await;
    let session = engine.session("trip").model("local:tiny").create().await.unwrap();
    session.default_branch().chat("one").await.unwrap();
    let anchor = kept(&*instruction(&session.default_branch()).await);
    engine.close().await.unwrap();
    drop((session, engine));

    let engine = open(Telemetry::new()).await;
    let main = engine.open_session("trip").await.unwrap().default_branch();
    let fork = main.fork("other").await.unwrap();
    fork.chat("two").await.unwrap();
    assert!(anchor.is_string());
    assert_eq!(link(&spans), anchor);
    assert_eq!(kept(&*instruction(&fork).await), Value::Null, "nobody exports any more");
    engine.close().await.unwrap();
}

#[tokio::test]
async fn forks_of_a_fan_out_are_linked_with_the_turn_they_begin_after() {
    let spans = Spans::watch();
    let session = told(exported(), (0..3).map(|_| Script::text("a"))).await;
    let main = session.default_branch();
    main.chat("one").await.unwrap();
    main.fan_out(["two", "three"]).await.unwrap();
    let anchor = kept(&*instruction(&main).await);
    let links: Vec<Value> =
        spans.named("invoke_agent").iter().map(|turn| turn.get("branchwork.turn.link")).collect();
    assert_eq!(links, [Value::Null, anchor.clone(), anchor]);
}

#[tokio::test]
async fn a_turn_that_asks_nothing_new_is_linked_with_the_one_that_did() {
    let spans = Spans::watch();
    let session = told(exported(), [Script::text("a"), Script::text("b"), Script::text("c")]).await;
    let main = session.default_branch();
    main.chat("one").await.unwrap();
    let asked = kept(&*instruction(&main).await);
    main.retry().await.unwrap();
    assert_eq!(link(&spans), asked);
    assert_eq!(kept(&*instruction(&main).await), asked, "it was said in the first one");
    let fork = main.fork("other").await.unwrap();
    fork.retry().with_text("two").await.unwrap();
    assert_eq!(link(&spans), asked);
}

#[tokio::test]
async fn what_is_said_while_a_turn_goes_on_is_found_by_it_too() {
    let spans = Spans::watch();
    let gate = Gate::new();
    let calls = Script::new()
        .with_start()
        .with_gate(&gate)
        .with_call(0, ("c1", "unknown", "{}"))
        .with_event(ProviderEvent::Finished(Finish::ToolCalls));
    let session = told(exported(), [calls, Script::text("a"), Script::text("b")]).await;
    let main = session.default_branch();
    let spec = branchwork::tools::ToolSpec {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({ "type": "object" }),
    };
    let look = |_, _| std::future::ready(Ok(json!(1)));
    session.register(branchwork::tools::FunctionTool::dynamic(spec, look)).unwrap();
    let chat = main.chat("one").with_tools(branchwork::core::tool::ToolSelection::All);
    let steer = async {
        gate.reached().await;
        let steered = main.steer("two");
        gate.release();
        steered.await
    };
    let (reply, steered) = tokio::join!(chat.into_future(), steer);
    reply.unwrap();
    steered.unwrap();
    let view = main.view().await.unwrap();
    let kept: Vec<Value> = view
        .messages()
        .filter(|message| message.role().as_str() == "user")
        .map(|message| kept(message))
        .collect();
    assert_eq!((kept.len(), &kept[0]), (2, &kept[1]));
    let fork = main.fork("other").await.unwrap();
    fork.chat("three").await.unwrap();
    assert_eq!(link(&spans), kept[0]);
}

#[tokio::test]
async fn nothing_is_kept_when_nobody_exports() {
    let spans = Spans::watch();
    let unsampled = Telemetry::new().with_traceparent(|_| None);
    for telemetry in [Telemetry::new(), unsampled] {
        let session = told(telemetry, [Script::text("a")]).await;
        session.default_branch().chat("one").await.unwrap();
        assert!(instruction(&session.default_branch()).await.metadata.is_empty());
    }
    assert_eq!(spans.named("chat").len(), 2);
}

#[tokio::test]
async fn metadata_that_fills_its_room_is_kept_as_it_is() {
    use branchwork::core::limits::METADATA_BYTES_MAX;

    let spans = Spans::watch();
    let session = told(exported(), [Script::text("a")]).await;
    let main = session.default_branch();
    let metadata = json!({ "note": "x".repeat(METADATA_BYTES_MAX - 11) });
    let metadata = metadata.as_object().unwrap().clone();
    main.chat("one").with_metadata(metadata.clone()).await.unwrap();
    assert_eq!(instruction(&main).await.metadata, metadata);
    assert_eq!(spans.named("chat").len(), 1);
}
