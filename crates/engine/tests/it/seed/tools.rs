//! Section 3.6: tools.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use branchwork::{
    BaseBranch as _, Error,
    core::{
        config::{Change, ConfigPatch},
        message::{Body, Outcome, Status},
    },
    table::{Format, TableOptions},
    tools::{FunctionTool, RegisterError, ToolChoice, ToolError, ToolSelection, ToolSpec},
};
use branchwork_testkit::{Gate, Script};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::support::{Nothing, add, boom, f5, lst, multiply, nul, once, outcomes};
use crate::support::{says, session};

#[tokio::test]
async fn s130_a_registered_name_is_there_and_an_unknown_one_is_not() {
    let main = session([]).await.0.default_branch();
    main.register(add()).unwrap();
    assert!(main.tools().contains("add") && !main.tools().contains("sub"));
    // That only tools can be registered is checked by the compiler.
}

#[tokio::test]
async fn s132_a_call_is_a_name_and_arguments_and_sloppy_ones_say_what_is_wrong() {
    let calls = Script::calls([
        ("c1", "add", "{\"a\": 10, \"b\": 2}"),
        ("c2", "add", "{\"a\": 10"),
        ("c3", "add", "{\"a\": \"ten\", \"c\": 1}"),
        ("c4", "lst", ""),
    ]);
    let main = session([calls]).await.0.default_branch();
    main.register(add()).unwrap();
    main.register(lst()).unwrap();
    let reply = main.chat("q").with_tools(ToolSelection::All).with_limits(once()).await.unwrap();
    let outcomes = outcomes(&reply);
    assert_eq!(outcomes[0].1, Outcome::Succeeded(json!(12)));
    let Outcome::Failed(problem) = &outcomes[1].1 else { panic!("{outcomes:?}") };
    assert!(problem.starts_with("the arguments are not JSON"), "{problem}");
    let Outcome::Failed(problem) = &outcomes[2].1 else { panic!("{outcomes:?}") };
    assert!(problem.contains("/a: \"ten\" is not of type \"integer\""), "{problem}");
    assert_eq!(outcomes[3].1, Outcome::Succeeded(json!([1, 2])), "no arguments are none");
}

#[tokio::test]
async fn s132_a_table_tells_calls_in_every_form_of_the_seed() {
    let calls = r#"[
        {"recipient_name": "functions.f", "parameters": {"a": 1}},
        {"action": "action_g", "arguments": "{\"x\": 10}"},
        {"action": "action_h", "arguments": {"x": [10]}}
    ]"#;
    let rows = [
        format!("{{\"action_request\": {calls}}}"),
        "{\"action_request\": [{}]}".to_owned(),
        "{\"action_request\": [{\"action\": \"action_f\"}]}".to_owned(),
    ];
    let mut table = "node_id,timestamp,role,sender,content\n".to_owned();
    for (number, content) in rows.iter().enumerate() {
        let content = content.replace('"', "\"\"");
        table += &format!("{number},t,assistant,action_request,\"{content}\"\n");
    }
    let main = session([]).await.0.default_branch();
    let (mut table, options) = (table.as_bytes(), TableOptions::new());
    main.import_table(Format::Csv, &mut table, &options).await.unwrap();
    let requests = main.action_requests().await.unwrap();
    let Body::ActionRequest { calls, .. } = &requests[0].body else { panic!("{requests:?}") };
    let calls: Vec<_> = calls
        .iter()
        .map(|call| (call.function.as_str(), serde_json::from_str(&call.arguments).unwrap()))
        .collect();
    let expected = [("f", json!({"a": 1})), ("g", json!({"x": 10})), ("h", json!({"x": [10]}))];
    assert_eq!(calls, expected);
    // What is no call is none, and is kept.
    assert_eq!(requests.len(), 1);
    let answers = main.assistant_responses().await.unwrap();
    let kept: Vec<Value> =
        answers.iter().map(|answer| serde_json::from_str(&answer.text()).unwrap()).collect();
    let [_, nothing, unfinished] = rows.map(|row| serde_json::from_str::<Value>(&row).unwrap());
    assert_eq!(kept, [nothing, unfinished]);
}

#[tokio::test]
async fn s133_and_s138_tools_are_selected_by_name_all_none_or_by_schema() {
    let (session, provider) = session((0..7).map(|_| Script::text("ok"))).await;
    let main = session.default_branch();
    for tool in [add(), multiply(), lst()] {
        main.register(tool).unwrap();
    }
    let spec = ToolSpec {
        name: "elsewhere".to_owned(),
        description: "Runs elsewhere.".to_owned(),
        parameters: json!({ "type": "object" }),
    };
    main.chat("none unless asked").await.unwrap();
    main.chat("none").with_tools(ToolSelection::None).await.unwrap();
    main.chat("all").with_tools(ToolSelection::All).await.unwrap();
    main.chat("one").with_tools("multiply").await.unwrap();
    main.chat("two").with_tools(["multiply", "add"]).await.unwrap();
    main.chat("schemas").with_tools(vec![spec]).await.unwrap();
    let tools = Change::Set(vec!["lst".to_owned()]);
    main.configure(ConfigPatch { tools, ..ConfigPatch::default() }).await.unwrap();
    main.chat("configured").await.unwrap();
    let offered: Vec<Vec<String>> = provider
        .requests()
        .into_iter()
        .map(|request| request.tools.into_iter().map(|tool| tool.name).collect())
        .collect();
    let expected: [&[&str]; 7] = [
        &[],
        &[],
        &["add", "lst", "multiply"],
        &["multiply"],
        &["add", "multiply"],
        &["elsewhere"],
        &["lst"],
    ];
    assert_eq!(offered, expected);
    let unknown = main.chat("q").with_tools("mutliply").await.unwrap_err();
    let Error::NotFound { what: "tool", nearest, .. } = unknown else { panic!("{unknown:?}") };
    assert_eq!(nearest.as_deref(), Some("multiply"));
    for choice in [ToolChoice::Named("lst".to_owned()), ToolChoice::Required] {
        let chat = main.chat("q").with_tools(ToolSelection::None).with_tool_choice(choice);
        assert!(matches!(chat.await, Err(Error::BadToolChoice { .. })));
    }
}

#[tokio::test]
async fn s139_a_failure_is_a_result_that_says_why_and_the_turn_goes_on() {
    let scripts = [Script::calls([("c1", "boom", "{}")]), Script::text("Call the firemen.")];
    let (session, provider) = session(scripts).await;
    let main = session.default_branch();
    main.register(boom()).unwrap();
    let reply = main.chat("q").with_tools("boom").await.unwrap();
    let failed = Outcome::Failed("the disk is on fire".to_owned());
    assert_eq!(outcomes(&reply), [("c1".to_owned(), failed)]);
    assert_eq!(reply.text, "Call the firemen.");
    let shown = provider.requests()[1].messages.last().unwrap().text();
    assert_eq!(shown, "failed: the disk is on fire");
    let source = ToolError::because(std::io::Error::other("x"));
    assert!(std::error::Error::source(&source).is_some(), "a failure keeps its cause");
}

#[tokio::test]
async fn s142_and_s143_each_result_is_on_its_own_call_in_their_order() {
    let scripts = [
        Script::calls([("c1", "lst", "{}"), ("c2", "add", "{\"a\":1,\"b\":2}")]),
        Script::calls([("c3", "nul", "{}"), ("c4", "add", "{\"a\":1,\"b\":2}")]),
        Script::calls([("c5", "add", "{\"a\":1}"), ("c6", "boom", "{}"), ("c7", "nope", "{}")]),
    ];
    let main = session(scripts).await.0.default_branch();
    for tool in [add(), lst(), nul(), boom()] {
        main.register(tool).unwrap();
    }
    let ask = async || {
        outcomes(&main.chat("q").with_tools(ToolSelection::All).with_limits(once()).await.unwrap())
    };
    let ok = |call: &str, value: Value| (call.to_owned(), Outcome::Succeeded(value));
    assert_eq!(ask().await, [ok("c1", json!([1, 2])), ok("c2", json!(3))]);
    assert_eq!(ask().await, [ok("c3", Value::Null), ok("c4", json!(3))]);
    let third = ask().await;
    assert_eq!(third[0], ok("c5", json!(2)));
    assert!(matches!(&third[1].1, Outcome::Failed(why) if why.contains("on fire")));
    assert!(matches!(&third[2].1, Outcome::Failed(why) if why.contains("no tool `nope`")));
}

#[tokio::test]
async fn s144_what_has_no_json_form_is_a_failure_that_says_so() {
    let odd = FunctionTool::new("odd", "Gives what JSON cannot say.", async |_: Nothing| {
        Ok::<_, ToolError>(std::collections::BTreeMap::from([((1, 2), 3)]))
    });
    let main = session([Script::calls([("c", "odd", "{}")])]).await.0.default_branch();
    main.register(odd).unwrap();
    let outcomes = outcomes(&main.chat("q").with_tools("odd").with_limits(once()).await.unwrap());
    assert!(matches!(&outcomes[0].1, Outcome::Failed(why) if why.contains("no JSON form")));
}

#[tokio::test(start_paused = true)]
async fn s145_a_tool_that_takes_too_long_has_failed_and_a_panic_is_a_failure() {
    let slow = FunctionTool::new("slow", "Never ends.", async |_: Nothing| {
        std::future::pending::<Result<(), ToolError>>().await
    });
    let panics = FunctionTool::new("panics", "Panics.", async |_: Nothing| {
        let held = std::hint::black_box(None::<i32>);
        Ok::<_, ToolError>(held.expect("it has nothing"))
    });
    let calls = Script::calls([("c1", "slow", "{}"), ("c2", "panics", "{}")]);
    let main = session([calls]).await.0.default_branch();
    main.register(slow.with_timeout(Duration::from_millis(50))).unwrap();
    main.register(panics).unwrap();
    let start = tokio::time::Instant::now();
    let outcomes =
        outcomes(&main.chat("q").with_tools(ToolSelection::All).with_limits(once()).await.unwrap());
    assert!(start.elapsed() < Duration::from_millis(200));
    assert_eq!(outcomes[0].1, Outcome::Failed("it took longer than 50ms".to_owned()));
    assert_eq!(outcomes[1].1, Outcome::Failed("it panicked: it has nothing".to_owned()));
}

#[tokio::test]
async fn s145_stopping_the_turn_stops_its_tools_and_says_that_nobody_knows() {
    let gate = Gate::new();
    let inside = gate.clone();
    let waits = FunctionTool::new("waits", "Waits.", move |_: Nothing| {
        let gate = inside.clone();
        async move {
            gate.pass().await;
            Ok::<_, ToolError>(())
        }
    });
    let calls = Script::calls([("c1", "waits", "{}"), ("c2", "add", "{\"a\":1}")]);
    let main = session([calls]).await.0.default_branch();
    main.register(waits).unwrap();
    main.register(add()).unwrap();
    let mut stream = main.chat("q").with_tools(ToolSelection::All).stream();
    let completed = loop {
        let event = stream.next().await.unwrap().unwrap();
        if let branchwork::TurnEvent::CallCompleted { id, .. } = event {
            break id;
        }
    };
    assert_eq!(completed, "c2");
    gate.reached().await;
    let reply = stream.interrupt().await.unwrap().unwrap();
    let expected =
        [("c1".to_owned(), Outcome::Unknown), ("c2".to_owned(), Outcome::Succeeded(json!(2)))];
    assert_eq!(outcomes(&reply), expected);
    assert_eq!(reply.message.status, Status::Complete, "the answer was whole");
    main.append(says("the history is legal")).await.unwrap();
}

#[tokio::test]
async fn a_tool_that_blocks_holds_nothing_up() {
    const PATIENCE: Duration = Duration::from_secs(20);
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let (receiver, begun) = (Mutex::new(receiver), Arc::new(Notify::new()));
    let begins = Arc::clone(&begun);
    let waits = FunctionTool::blocking("waits", "Blocks its thread.", move |_: Nothing| {
        begins.notify_one();
        let received = receiver.lock().unwrap().recv_timeout(PATIENCE);
        received.map_err(ToolError::because)
    });
    let main = session([Script::calls([("c", "waits", "{}")])]).await.0.default_branch();
    main.register(waits).unwrap();
    // There is one thread for both futures: the tool ends only when the other one runs beside it.
    let other = async {
        begun.notified().await;
        sender.send("went on").unwrap();
    };
    let chat = main.chat("q").with_tools("waits").with_limits(once());
    let (reply, ()) = tokio::join!(chat.into_future(), other);
    let went_on = Outcome::Succeeded(json!("went on"));
    assert_eq!(outcomes(&reply.unwrap()), [("c".to_owned(), went_on)]);
}

#[tokio::test]
async fn s068_and_s074_tools_belong_to_their_branch_and_names_are_unique() {
    let f5 = f5().await;
    let other = f5.session.create_branch("other").await.unwrap();
    assert!(f5.branch.tools().is_empty());
    f5.branch.register(add()).unwrap();
    assert_eq!((f5.branch.tools().len(), other.tools().len()), (1, 0));
    let again = f5.branch.register(add()).unwrap_err();
    let duplicate = RegisterError::Duplicate { name: "add".to_owned() };
    assert!(matches!(again, Error::Register(error) if error == duplicate));
    f5.branch.replace_tool(add()).unwrap();
    let fork = f5.branch.fork("fork").await.unwrap();
    fork.remove_tool("add").unwrap();
    assert!(matches!(fork.remove_tool("add"), Err(Error::NotFound { .. })));
    assert_eq!((f5.branch.tools().len(), fork.tools().len()), (1, 0));
    drop(f5.provider);
}
