//! Spans, as a collector gets them.

use std::{sync::Arc, time::Duration};

use branchwork::{
    Engine,
    core::{provider::ProviderError, tool::ToolSelection},
    providers::wrap::{RetryOptions, Stack},
    sqlite::SqliteStore,
    telemetry::Telemetry,
    tools::{FunctionTool, ToolError, ToolSpec},
};
use branchwork_otel::traceparent;
use branchwork_testkit::{Script, ScriptedProvider};
use opentelemetry_proto::tonic::trace::v1::{
    span::{Event, SpanKind},
    status::StatusCode,
};
use serde_json::{Value, json};

use crate::collector::{Collector, Exporting, attribute, engine};

fn look() -> FunctionTool {
    let spec = ToolSpec {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({ "type": "object" }),
    };
    FunctionTool::dynamic(spec, |_, _| std::future::ready(Err(ToolError::new("it is dark"))))
}

#[tokio::test]
async fn a_turn_arrives_with_what_is_in_it() {
    let collector = Collector::start();
    let exporting = Exporting::to(&collector.options().with_service("tests"));
    let engine = engine(exporting.telemetry());
    let provider = ScriptedProvider::new()
        .with_script(Script::calls([("c1", "look", "{}")]))
        .with_script(Script::text("Rome."));
    engine.register("mistral", Arc::new(provider));
    let session = engine.session("trip").model("mistral:tiny").create().await.unwrap();
    session.register(look()).unwrap();
    let main = session.default_branch();
    main.chat("Where is it warm?").with_tools(ToolSelection::All).await.unwrap();
    engine.close().await.unwrap();
    exporting.otel.close().unwrap();

    let resource = collector.traces()[0].resource_spans[0].clone();
    let about = resource.resource.unwrap().attributes;
    assert_eq!(attribute(&about, "service.name"), "tests");
    assert_eq!(resource.scope_spans[0].scope.as_ref().unwrap().name, "branchwork");
    let turn = collector.span("invoke_agent main");
    let tool = collector.span("execute_tool look");
    let spans = collector.spans();
    let chats: Vec<_> = spans.iter().filter(|span| span.name == "chat tiny").collect();
    assert_eq!((spans.len(), chats.len()), (4, 2), "commits are not exported: {spans:#?}");
    assert!(turn.parent_span_id.is_empty());
    for span in [chats[0], chats[1], &tool] {
        assert_eq!(span.parent_span_id, turn.span_id);
        assert_eq!(span.trace_id, turn.trace_id);
        assert!(span.events.is_empty(), "{span:#?}");
        assert!(turn.start_time_unix_nano <= span.start_time_unix_nano);
        assert!(span.end_time_unix_nano <= turn.end_time_unix_nano);
    }
    assert_eq!((turn.kind(), tool.kind()), (SpanKind::Internal, SpanKind::Internal));
    assert_eq!(chats[0].kind(), SpanKind::Client);
    let of = |name| attribute(&chats[0].attributes, name);
    assert_eq!(of("gen_ai.operation.name"), "chat");
    assert_eq!(of("gen_ai.provider.name"), "mistral_ai");
    assert_eq!(of("gen_ai.conversation.id"), session.id().to_string());
    assert_eq!(of("gen_ai.response.finish_reasons"), json!(["tool_calls"]));
    assert_eq!(of("gen_ai.usage.input_tokens"), 1);
    assert_eq!(of("gen_ai.request.stream"), true);
    for hidden in ["otel.name", "otel.kind", "level", "target", "busy_ns", "thread.id"] {
        assert_eq!(of(hidden), Value::Null);
    }
    let status = tool.status.as_ref().unwrap();
    assert_eq!((status.code(), status.message.as_str()), (StatusCode::Error, ""));
    assert_eq!(attribute(&tool.attributes, "error.type"), "tool_error");
    let bytes = String::from_utf8_lossy(&collector.bytes()).into_owned();
    for said in ["warm", "dark", "Rome"] {
        assert!(!bytes.contains(said), "{said}");
    }
}

#[tokio::test]
async fn a_fork_is_linked_with_the_span_of_its_anchor_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = |telemetry: Telemetry| {
        let store = SqliteStore::open(folder.path().join("trip.db")).unwrap();
        let engine = Engine::builder().store(Arc::new(store)).telemetry(telemetry).build();
        engine.register("local", Arc::new(ScriptedProvider::answering(|_| Script::text("a"))));
        engine
    };
    let before = Collector::start();
    let exporting = Exporting::to(&before.options());
    let engine = open(exporting.telemetry());
    let session = engine.session("trip").model("local:tiny").create().await.unwrap();
    session.default_branch().chat("one").await.unwrap();
    drop(session);
    engine.close().await.unwrap();
    exporting.otel.close().unwrap();

    let after = Collector::start();
    let exporting = Exporting::to(&after.options());
    let engine = open(exporting.telemetry());
    let main = engine.open_session("trip").await.unwrap().default_branch();
    let fork = main.fork("other").await.unwrap();
    fork.chat("two").await.unwrap();
    fork.chat("three").await.unwrap();
    main.fan_out(["four"]).await.unwrap();
    engine.close().await.unwrap();
    exporting.otel.close().unwrap();

    let anchor = before.span("invoke_agent main");
    assert!(anchor.links.is_empty());
    let mut turns = after.spans();
    turns.retain(|span| span.name == "invoke_agent other");
    assert_eq!(turns.len(), 2);
    let fanned = after.span("invoke_agent main-2");
    for turn in [&turns[0], &fanned] {
        assert_eq!(turn.links.len(), 1, "{turn:#?}");
        assert_eq!(turn.links[0].trace_id, anchor.trace_id);
        assert_eq!(turn.links[0].span_id, anchor.span_id);
        assert_ne!(turn.trace_id, anchor.trace_id);
        assert_eq!(attribute(&turn.attributes, "branchwork.turn.link"), Value::Null);
    }
    assert!(turns[1].links.is_empty(), "only the first turn is linked");
    let flow = after.span("invoke_workflow fan_out");
    assert_eq!(fanned.parent_span_id, flow.span_id);
}

#[tokio::test]
async fn a_call_that_is_made_anew_arrives_as_one_span_with_its_failures() {
    let collector = Collector::start();
    let exporting = Exporting::to(&collector.options());
    let engine = engine(exporting.telemetry());
    let busy = || ProviderError::RateLimited { retry_after: None, detail: "you are warm".into() };
    let server = ScriptedProvider::new()
        .with_script(Script::refusal(busy()))
        .with_script(Script::refusal(busy()))
        .with_script(Script::text("Rome."));
    let options = RetryOptions::new().with_wait_first(Duration::from_millis(1));
    engine.register("local", Stack::over(Arc::new(server)).with_retry(options).build());
    let session = engine.session("trip").model("local:tiny").create().await.unwrap();
    session.default_branch().chat("Where is it warm?").await.unwrap();
    engine.close().await.unwrap();
    exporting.otel.close().unwrap();
    let chat = collector.span("chat tiny");
    assert_eq!(attribute(&chat.attributes, "branchwork.retries"), 2);
    assert_eq!(attribute(&chat.attributes, "error.type"), Value::Null, "it went well");
    assert_eq!(chat.status.unwrap_or_default().code(), StatusCode::Unset);
    let told = |event: &Event| {
        assert_eq!((event.name.as_str(), event.attributes.len()), ("branchwork.retry", 3));
        assert!(attribute(&event.attributes, "branchwork.retry.wait").is_f64());
        let of = |name| attribute(&event.attributes, name);
        (of("branchwork.retries"), of("error.type"))
    };
    let told: Vec<_> = chat.events.iter().map(told).collect();
    assert_eq!(told, [(json!(1), json!("rate_limited")), (json!(2), json!("rate_limited"))]);
    assert!(!String::from_utf8_lossy(&collector.bytes()).contains("warm"));
}

#[tokio::test]
async fn what_was_said_arrives_when_it_is_asked_for() {
    let collector = Collector::start();
    let exporting = Exporting::to(&collector.options());
    let engine = engine(exporting.telemetry().with_content());
    engine.register("local", Arc::new(ScriptedProvider::answering(|_| Script::text("Rome."))));
    let session = engine.session("trip").model("local:tiny").create().await.unwrap();
    session.default_branch().chat("Where is it warm?").await.unwrap();
    engine.close().await.unwrap();
    exporting.otel.close().unwrap();
    let chat = collector.span("chat tiny");
    let of = |name| attribute(&chat.attributes, name).as_str().unwrap().to_owned();
    assert!(of("gen_ai.input.messages").contains("Where is it warm?"));
    assert!(of("gen_ai.output.messages").contains("Rome."));
}

#[tokio::test]
async fn a_turn_that_is_dropped_arrives_as_cancelled() {
    use branchwork::TurnEvent;
    use branchwork_testkit::Gate;
    use futures_util::StreamExt as _;

    let collector = Collector::start();
    let exporting = Exporting::to(&collector.options());
    let engine = engine(exporting.telemetry());
    let gate = Gate::new();
    let script = Script::new().with_start().with_text("Once").with_gate(&gate);
    engine.register("local", Arc::new(ScriptedProvider::new().with_script(script)));
    let session = engine.session("trip").model("local:tiny").create().await.unwrap();
    let mut stream = session.default_branch().chat("q").stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(_)))) {}
    drop(stream);
    engine.close().await.unwrap();
    exporting.otel.close().unwrap();
    for name in ["chat tiny", "invoke_agent main"] {
        let span = collector.span(name);
        assert_eq!(attribute(&span.attributes, "error.type"), "cancelled");
        assert_eq!(span.status.unwrap().code(), StatusCode::Error);
    }
}

#[test]
fn spans_that_nobody_exports_have_no_context() {
    assert_eq!(traceparent(&tracing::Span::none()), None);
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
    assert_eq!(traceparent(&tracing::info_span!("work")), None);
}
