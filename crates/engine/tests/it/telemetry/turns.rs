//! The spans of turns, and of what is done in them.

use std::{sync::Arc, time::Duration};

use branchwork::{
    budget::Budget,
    core::{
        config::ConfigPatch,
        provider::{Finish, PriceBook, Prices, ProviderEvent, Retried, Usage},
        tool::ToolSelection,
        turn::TurnLimits,
    },
    telemetry::{Telemetry, names::error_type},
    tools::{FunctionTool, ToolError, ToolSpec},
};
use branchwork_testkit::{Script, Spans};
use serde_json::{Value, json};
use tracing::Level;

use super::told;
use crate::support::session;

/// What a span says, of these names.
fn says(span: &branchwork_testkit::SeenSpan, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), span.get(name))).collect()
}

fn tool(
    name: &str,
    call: impl Fn(Value) -> Result<Value, ToolError> + Send + Sync + 'static,
) -> FunctionTool {
    let spec = ToolSpec {
        name: name.to_owned(),
        description: format!("It is {name}."),
        parameters: json!({ "type": "object", "properties": { "n": { "type": "integer" } } }),
    };
    FunctionTool::dynamic(spec, move |arguments, _| std::future::ready(call(arguments)))
}

const USAGE: Usage = Usage {
    input_tokens: Some(7),
    output_tokens: Some(5),
    cached_tokens: Some(4),
    cache_write_tokens: Some(3),
    reasoning_tokens: Some(2),
};

#[tokio::test]
async fn a_call_of_a_model_is_a_span_in_that_of_its_turn() {
    let spans = Spans::at(Level::TRACE);
    let (model, response_id) = (Some("tiny-1".to_owned()), Some("r1".to_owned()));
    let script = Script::new()
        .with_event(ProviderEvent::Started { model, response_id })
        .with_text("Ro")
        .with_text("me.")
        .with_event(ProviderEvent::Usage(USAGE))
        .with_event(ProviderEvent::Finished(Finish::Stop));
    let (session, _) = session([script]).await;
    let main = session.default_branch();
    let begin = main.view().await.unwrap().head().unwrap().to_string();
    let config = ConfigPatch::new().with_temperature(0.5).with_max_tokens(9);
    main.chat("Where is it warm?").with_config(config).await.unwrap();
    let (session, branch) = (session.id().to_string(), main.id().to_string());
    let usage = json!({
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_write.input_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 2,
    });
    let mut expected = json!({
        "otel.name": "chat tiny",
        "otel.kind": "client",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "local",
        "gen_ai.request.model": "tiny",
        "gen_ai.request.stream": true,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.conversation.id": session,
        "branchwork.branch.id": branch,
        "gen_ai.response.id": "r1",
        "gen_ai.response.model": "tiny-1",
        "gen_ai.response.finish_reasons": r#"["stop"]"#,
        "gen_ai.response.time_to_first_chunk": 0.000_001,
        "branchwork.retries": 0,
    });
    expected.as_object_mut().unwrap().extend(usage.as_object().unwrap().clone());
    let chat = spans.one("chat");
    assert_eq!(json!(chat.fields), expected);
    assert!(chat.is_closed);
    assert_eq!(chat.event_names(), ["branchwork.chunk"; 2]);

    let mut expected = json!({
        "otel.name": "invoke_agent main",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "local",
        "gen_ai.request.model": "tiny",
        "gen_ai.conversation.id": session,
        "gen_ai.agent.id": branch,
        "gen_ai.agent.name": "main",
        "branchwork.branch.id": branch,
        "branchwork.turn.kind": "chat",
        "branchwork.turn.rounds": 1,
        "branchwork.parent_node.id": begin,
        "branchwork.node.id": main.view().await.unwrap().head().unwrap().to_string(),
        "gen_ai.response.finish_reasons": r#"["stop"]"#,
    });
    expected.as_object_mut().unwrap().extend(usage.as_object().unwrap().clone());
    let turn = spans.one("invoke_agent");
    assert_eq!(json!(turn.fields), expected);
    assert!(turn.is_closed && turn.parent.is_none());
    let all = spans.all();
    let parent = |span: &branchwork_testkit::SeenSpan| all[span.parent.unwrap()].name;
    assert_eq!(parent(&chat), "invoke_agent");
    let commits = spans.named("branchwork.commit");
    assert_eq!(commits.iter().map(parent).collect::<Vec<_>>(), ["invoke_agent"; 2]);
    assert!(commits.iter().all(|commit| commit.get("branchwork.commit.ops") == 1));
}

#[tokio::test]
async fn a_call_that_was_made_anew_is_one_span() {
    let spans = Spans::watch();
    let retried = |retries| {
        let problem = "the provider is unavailable: of `Where is it warm?`".to_owned();
        let (wait, error_type) = (Duration::from_millis(1_500), error_type::UNAVAILABLE);
        ProviderEvent::Retried(Retried { retries, wait, error_type, problem })
    };
    let script = Script::new()
        .with_event(retried(1))
        .with_event(retried(2))
        .with_start()
        .with_text("Rome.")
        .with_end(Finish::Stop);
    let (session, _) = session([script]).await;
    session.default_branch().chat("q").await.unwrap();
    let chat = spans.one("chat");
    assert_eq!(chat.get("branchwork.retries"), 2);
    assert_eq!(chat.event_names(), ["branchwork.retry"; 2]);
    let expected = json!({
        "branchwork.retries": 1,
        "branchwork.retry.wait": 1.5,
        "error.type": "unavailable",
    });
    assert_eq!(json!(chat.events[0].fields), expected);
    assert!(!spans.say("warm"), "what a server says may hold what was said to it");
    assert_eq!(chat.get("error.type"), Value::Null);
}

#[tokio::test]
async fn each_call_of_a_tool_is_a_span_beside_those_of_the_model() {
    let spans = Spans::watch();
    let calls = Script::calls([
        ("c1", "good", "{}"),
        ("c2", "bad", "{}"),
        ("c3", "worse", "{}"),
        ("c4", "good", r#"{"n":"one"}"#),
        ("c5", "unknown", "{}"),
    ]);
    let (session, _) = session([calls, Script::text("Done.")]).await;
    session.register(tool("good", |_| Ok(json!(1)))).unwrap();
    session.register(tool("bad", |_| Err(ToolError::new("no")))).unwrap();
    session.register(tool("worse", |_| panic!("no"))).unwrap();
    let main = session.default_branch();
    let reply = main.chat("go").with_tools(ToolSelection::All).await.unwrap();
    assert_eq!(reply.rounds, 2);
    let tools = spans.named("execute_tool");
    let names = ["otel.name", "gen_ai.tool.call.id", "error.type", "otel.status_code"];
    let told: Vec<Value> = tools.iter().map(|tool| says(tool, &names)).collect();
    let expected = |name: &str, call: &str, failure: Option<&str>| {
        json!({
            "otel.name": format!("execute_tool {name}"),
            "gen_ai.tool.call.id": call,
            "error.type": failure,
            "otel.status_code": failure.map(|_| "error"),
        })
    };
    assert_eq!(
        told,
        [
            expected("good", "c1", None),
            expected("bad", "c2", Some("tool_error")),
            expected("worse", "c3", Some("panic")),
            expected("good", "c4", Some("invalid_arguments")),
        ]
    );
    let names = ["gen_ai.operation.name", "gen_ai.tool.type", "gen_ai.tool.description"];
    let expected = json!({
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "It is good.",
    });
    assert_eq!(says(&tools[0], &names), expected);
    let turn = spans.all().iter().position(|span| span.name == "invoke_agent");
    let beside = [spans.named("chat"), tools].concat();
    assert!(beside.iter().all(|span| span.parent == turn && span.is_closed), "{beside:#?}");
    assert_eq!(spans.one("invoke_agent").get("branchwork.turn.rounds"), 2);
}

#[tokio::test]
async fn a_limit_and_calls_that_wait_are_no_failures() {
    use branchwork::core::tool::Policy;

    let spans = Spans::watch();
    let calls = || Script::calls([("c1", "good", "{}")]);
    let (session, _) = session([calls(), calls()]).await;
    session.register(tool("good", |_| Ok(json!(1)))).unwrap();
    let main = session.default_branch();
    let limits = TurnLimits::new().with_rounds(1);
    main.chat("go").with_tools(ToolSelection::All).with_limits(limits).await.unwrap();
    let asks = main.chat("go").with_tools(ToolSelection::All).with_policy(|_, _| Policy::Ask);
    asks.await.unwrap_err();
    let names = ["branchwork.turn.limit", "branchwork.turn.parked", "error.type"];
    let turns: Vec<Value> =
        spans.named("invoke_agent").iter().map(|turn| says(turn, &names)).collect();
    let expected = |limit: Option<&str>, parked: Option<bool>| json!({ "branchwork.turn.limit": limit, "branchwork.turn.parked": parked, "error.type": null });
    assert_eq!(turns, [expected(Some("rounds"), None), expected(None, Some(true))]);
}

#[tokio::test]
async fn a_flow_is_a_span_around_its_turns() {
    let spans = Spans::watch();
    let provider =
        Arc::new(branchwork_testkit::ScriptedProvider::answering(|_| Script::text("Rome.")));
    let engine = branchwork::Engine::in_memory();
    let builder = engine.session("trip").provider("local", provider).model("tiny");
    let main = builder.create().await.unwrap().default_branch();
    main.fan_out(["Where?", "When?"]).await.unwrap();
    let flow = main.flow("plan");
    flow.step("budget", async || Ok::<_, branchwork::Error>(500)).await.unwrap();
    flow.chat("where", main.chat("Where to?")).await.unwrap();
    let failed = flow.step("fails", async || Err::<u8, _>(std::io::Error::other("no"))).await;
    failed.unwrap_err();
    drop(flow);
    let best = main.best_of("A title?").named("title").samples(2);
    best.judged_by(|_, _| branchwork::flows::Verdict::first("shorter")).await.unwrap();
    let all = spans.all();
    let around = |span: &branchwork_testkit::SeenSpan| {
        span.parent.map(|parent| all[parent].get("otel.name").as_str().unwrap().to_owned())
    };
    let told: Vec<_> = all
        .iter()
        .filter(|span| span.name != "chat")
        .map(|span| (span.get("otel.name").as_str().unwrap().to_owned(), around(span)))
        .collect();
    let told: Vec<_> =
        told.iter().map(|(name, around)| (name.as_str(), around.as_deref())).collect();
    let fan_out = Some("invoke_workflow fan_out");
    let (plan, best) = (Some("invoke_workflow plan"), Some("invoke_workflow best_of"));
    assert_eq!(
        told,
        [
            ("invoke_workflow fan_out", None),
            ("invoke_agent main-2", fan_out),
            ("invoke_agent main-3", fan_out),
            ("invoke_workflow plan", None),
            ("branchwork.step budget", plan),
            ("invoke_agent main", plan),
            ("branchwork.step fails", plan),
            ("invoke_workflow best_of", None),
            ("branchwork.step subject", best),
            ("invoke_agent title-1", best),
            ("invoke_agent title-2", best),
            ("branchwork.step match-1-2", best),
        ]
    );
    assert!(all.iter().all(|span| span.is_closed));
    let fails = all.iter().find(|span| span.get("branchwork.flow.step") == "fails").unwrap();
    assert_eq!(fails.get("error.type"), "_OTHER");
}

#[tokio::test]
async fn mail_is_told_of_without_what_is_in_it() {
    let spans = Spans::watch();
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let scout = main.fork("scout").await.unwrap();
    let mail = scout.send(&main, "The museum is closed.").await.unwrap();
    main.receive().await.unwrap();
    let sent = spans.one("branchwork.send_mail");
    assert_eq!(sent.get("branchwork.mail.id"), mail.id.to_string());
    assert_eq!(sent.get("branchwork.branch.id"), scout.id().to_string());
    let received = spans.one("branchwork.receive_mail");
    let counts = says(&received, &["branchwork.mail.taken", "branchwork.mail.left"]);
    assert_eq!(counts, json!({ "branchwork.mail.taken": 1, "branchwork.mail.left": 0 }));
    assert!(!spans.say("museum"));
}

#[tokio::test]
async fn several_answers_are_one_call_with_all_of_them_in_it() {
    let spans = Spans::at(Level::TRACE);
    let sibling = |event| ProviderEvent::Sibling { choice: 1, event: Box::new(event) };
    let script = Script::new()
        .with_start()
        .with_text("Rome")
        .with_event(sibling(ProviderEvent::Text("Oslo".to_owned())))
        .with_event(sibling(ProviderEvent::Finished(Finish::Length)))
        .with_end(Finish::Stop);
    let session = told(Telemetry::new().with_content(), [script, Script::text("a")]).await;
    let main = session.default_branch();
    main.chat("Where?").with_choices(2).await.unwrap();
    main.chat("When?").await.unwrap();
    let [chat, alone] = spans.named("chat").try_into().unwrap();
    assert_eq!(chat.get("gen_ai.request.choice.count"), 2);
    assert_eq!(chat.get("gen_ai.response.finish_reasons"), r#"["stop","length"]"#);
    assert_eq!(chat.event_names(), ["branchwork.chunk"; 2]);
    let said = |text: &str, reason: &str| {
        let parts = json!([{ "type": "text", "content": text }]);
        json!({ "role": "assistant", "parts": parts, "finish_reason": reason })
    };
    let messages = chat.get("gen_ai.output.messages");
    let messages: Value = serde_json::from_str(messages.as_str().unwrap()).unwrap();
    assert_eq!(messages, json!([said("Rome", "stop"), said("Oslo", "length")]));
    assert_eq!(alone.get("gen_ai.request.choice.count"), Value::Null, "one is not worth a word");
    assert_eq!(alone.get("gen_ai.response.finish_reasons"), r#"["stop"]"#);
}

#[tokio::test]
async fn what_a_call_cost_is_told_when_its_price_is_known() {
    let spans = Spans::watch();
    let answer = || {
        let (input_tokens, output_tokens) = (Some(1_000), Some(100));
        let usage = Usage { input_tokens, output_tokens, ..Usage::default() };
        Script::new()
            .with_start()
            .with_text("a")
            .with_event(ProviderEvent::Usage(usage))
            .with_event(ProviderEvent::Finished(Finish::Stop))
    };
    let (session, _) = session([answer(), answer()]).await;
    let main = session.default_branch();
    main.chat("one").await.unwrap();
    let prices = PriceBook::new().with("local", "tiny", Prices::new(2_000_000, 10_000_000));
    session.engine().set_prices(prices);
    main.chat("two").await.unwrap();
    let costs: Vec<Value> =
        spans.named("chat").iter().map(|chat| chat.get("branchwork.cost_usd")).collect();
    assert_eq!(costs, [Value::Null, json!(0.003)], "unknown is not 0");
}

#[tokio::test]
async fn a_turn_that_waits_for_a_larger_budget_is_parked_and_failed() {
    let spans = Spans::watch();
    let (session, _) = session([Script::text("a")]).await;
    let main = session.default_branch();
    main.set_budget(Budget::new().with_tokens(1)).await.unwrap();
    main.chat("q").await.unwrap_err();
    main.set_budget(Budget::new().with_tokens(1).parking()).await.unwrap();
    main.chat("q").await.unwrap_err();
    let names = ["branchwork.turn.parked", "error.type"];
    let turns: Vec<Value> =
        spans.named("invoke_agent").iter().map(|turn| says(turn, &names)).collect();
    let expected = |parked: Option<bool>| json!({ "branchwork.turn.parked": parked, "error.type": "over_budget" });
    assert_eq!(turns, [expected(None), expected(Some(true))]);
    assert!(spans.named("chat").is_empty(), "nobody was asked");
}

#[tokio::test]
async fn a_turn_says_where_in_the_history_it_is() {
    let spans = Spans::watch();
    let (session, _) = session([Script::text("a"), Script::text("b")]).await;
    let main = session.default_branch();
    let begin = main.view().await.unwrap().head().unwrap().to_string();
    main.chat("one").await.unwrap();
    let first = main.view().await.unwrap().head().unwrap().to_string();
    let fork = main.fork("other").await.unwrap();
    fork.chat("two").await.unwrap();
    let second = fork.view().await.unwrap().head().unwrap().to_string();
    let names = ["branchwork.parent_node.id", "branchwork.node.id"];
    let turns: Vec<Value> =
        spans.named("invoke_agent").iter().map(|turn| says(turn, &names)).collect();
    let expected = |parent: &str, node: &str| json!({ "branchwork.parent_node.id": parent, "branchwork.node.id": node });
    assert_eq!(turns, [expected(&begin, &first), expected(&first, &second)]);
}
