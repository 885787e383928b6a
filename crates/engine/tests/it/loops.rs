//! Turns with tools: the model is asked again until it is done, and how far a turn may go.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use branchwork::{
    BaseBranch as _, Branch, Error, TurnEvent,
    core::{
        filter::Filter,
        message::{BodyKind, Outcome, Role, Status},
        provider::{Finish, ToolChoice},
        tool::ToolSelection,
        turn::{Limit, TurnLimits},
    },
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{Gate, Script, ScriptedProvider};
use futures_util::StreamExt as _;
use serde::Deserialize;

use crate::support::{says, session, texts};

#[derive(Deserialize, JsonSchema)]
struct Number {
    n: i64,
}

fn double() -> FunctionTool {
    FunctionTool::new("double", "Doubles.", async |number: Number| Ok::<_, ToolError>(2 * number.n))
}

/// An answer that calls `double` for each number.
fn doubles<const N: usize>(calls: [(&str, &str); N]) -> Script {
    Script::calls(calls.map(|(id, arguments)| (id, "double", arguments)))
}

async fn talk(scripts: impl IntoIterator<Item = Script>) -> (Branch, Arc<ScriptedProvider>) {
    let (session, provider) = session(scripts).await;
    let main = session.default_branch();
    main.register(double()).unwrap();
    (main, provider)
}

async fn kinds(branch: &Branch) -> Vec<BodyKind> {
    branch.view().await.unwrap().messages().map(|message| message.body.kind()).collect()
}

#[tokio::test]
async fn the_model_is_shown_what_came_of_its_calls_until_it_calls_nothing() {
    let scripts = [
        doubles([("c1", "{\"n\":1}"), ("c2", "{\"n\":2}")]),
        doubles([("c3", "{\"n\":4}")]),
        Script::text("8"),
    ];
    let (session, provider) = session(scripts).await;
    let main = session.default_branch();
    main.register(double()).unwrap();
    main.append(says("before")).await.unwrap();
    let reply = main.chat("4, doubled").with_tools(ToolSelection::All).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.rounds, reply.limit), ("8", 3, None));
    assert_eq!(reply.results.iter().map(|one| one.text()).collect::<Vec<_>>(), ["2", "4", "8"]);
    assert_eq!(texts(&main).await, ["before", "4, doubled", "", "2", "4", "", "8", "8"]);
    let requests = provider.requests();
    let shown: Vec<_> = requests[2].messages.iter().map(|message| message.role()).collect();
    assert_eq!(shown.len(), 7);
    assert_eq!(shown[2..5], [Role::Assistant, Role::Tool, Role::Tool]);
    // What each round used is in the log, and the turn is the sum.
    let calls = session.calls().await.unwrap();
    assert_eq!(calls.len(), 3);
    let input = calls.iter().filter_map(|call| call.call.usage?.input_tokens).sum::<u64>();
    assert_eq!(reply.usage.unwrap().input_tokens, Some(input));
    for call in &calls {
        session.request_of(call).await.unwrap();
    }
    // It is one step.
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["before"]);
    main.redo().await.unwrap();
    assert_eq!(texts(&main).await.len(), 8);
}

#[tokio::test]
async fn the_events_of_a_turn_tell_its_rounds() {
    let scripts = [doubles([("c1", "{\"n\":1}")]), Script::text("two")];
    let (main, _) = talk(scripts).await;
    let chat = main.chat("q").with_tools("double");
    let events: Vec<_> = chat.stream().map(Result::unwrap).collect().await;
    let name = |event: &TurnEvent| match event {
        TurnEvent::Started { .. } => "started",
        TurnEvent::CallStarted { .. } => "call",
        TurnEvent::CallArguments { .. } => "arguments",
        TurnEvent::Called(_) => "called",
        TurnEvent::CallCompleted { .. } => "completed call",
        TurnEvent::Usage(_) => "usage",
        TurnEvent::Text(_) => "text",
        TurnEvent::Completed(_) => "completed",
        other => panic!("{other:?}"),
    };
    let mut names: Vec<_> = events.iter().map(name).collect();
    names.retain(|name| *name != "usage");
    let expected =
        ["started", "call", "arguments", "called", "completed call", "text", "completed"];
    assert_eq!(names, expected);
    let Some(TurnEvent::Called(answer)) =
        events.iter().find(|event| matches!(event, TurnEvent::Called(_)))
    else {
        panic!("{events:?}")
    };
    assert_eq!(main.view().await.unwrap().message(answer.id), Some(answer));
}

#[tokio::test]
async fn a_turn_that_went_as_far_as_it_may_says_why_and_can_go_on() {
    let call = || doubles([("c", "{\"n\":1}")]);
    let two = || doubles([("c", "{\"n\":1}"), ("d", "{\"n\":2}")]);
    let cases = [
        (TurnLimits::new().with_rounds(2), vec![call(), call()], Limit::Rounds(2)),
        (TurnLimits::new().with_calls(2), vec![call(), two()], Limit::Calls(2)),
        (TurnLimits::new().with_tokens(1), vec![call()], Limit::Tokens(1)),
    ];
    for (limits, scripts, expected) in cases {
        let rounds = scripts.len();
        let (main, provider) = talk(scripts.into_iter().chain([Script::text("on")])).await;
        let chat = main.chat("q").with_tools(ToolSelection::All).with_limits(limits);
        let reply = chat.await.unwrap();
        assert_eq!((reply.limit, provider.requests().len()), (Some(expected), rounds));
        assert_eq!(reply.message.body.kind(), BodyKind::ActionRequest);
        assert!(main.view().await.unwrap().open_calls().is_empty());
        assert_eq!(main.chat("go on").await.unwrap().text, "on");
    }
    let (main, _) = talk([]).await;
    for limits in [
        TurnLimits::new().with_rounds(0),
        TurnLimits::new().with_tokens(0),
        TurnLimits::new().with_time(Duration::ZERO),
    ] {
        let refused = main.chat("q").with_limits(limits).await.unwrap_err();
        assert!(matches!(refused, Error::BadLimits { .. }), "{refused}");
    }
    assert!(texts(&main).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_turn_whose_time_is_over_is_an_error_and_what_had_come_is_kept() {
    let never = Gate::new();
    let limits = TurnLimits::new().with_time(Duration::from_secs(5));
    // While the model answers.
    let slow = Script::new().with_start().with_text("half").with_gate(&never);
    // While a tool runs, in the second round.
    let scripts =
        [slow, doubles([("c1", "{\"n\":1}")]), Script::calls([("c2", "waits", "{\"n\":1}")])];
    let (main, _) = talk(scripts).await;
    main.register(FunctionTool::new("waits", "Never ends.", async |_: Number| {
        std::future::pending::<Result<(), ToolError>>().await
    }))
    .unwrap();
    let error = main.chat("q").with_limits(limits).await.unwrap_err();
    assert!(matches!(error, Error::OutOfTime { limit } if limit.as_secs() == 5), "{error}");
    let last = main.last_message().await.unwrap().unwrap();
    assert_eq!((last.text().as_str(), last.status), ("half", Status::Interrupted));
    let chat = main.chat("again").with_tools(ToolSelection::All).with_limits(limits);
    assert!(matches!(chat.await, Err(Error::OutOfTime { .. })));
    let view = main.view().await.unwrap();
    let outcomes: Vec<_> = view.messages().filter_map(|one| outcome(&one.body)).collect();
    assert_eq!(outcomes, [&Outcome::Succeeded(2.into()), &Outcome::Unknown]);
    assert!(view.last_step().unwrap().ends());
}

fn outcome(body: &branchwork::core::message::Body) -> Option<&Outcome> {
    match body {
        branchwork::core::message::Body::ActionResponse { outcome, .. } => Some(outcome),
        _ => None,
    }
}

#[tokio::test]
async fn that_a_tool_must_be_called_holds_for_the_first_answer() {
    let (main, provider) = talk([doubles([("c1", "{\"n\":1}")]), Script::text("two")]).await;
    let chat = main.chat("q").with_tools("double").with_tool_choice(ToolChoice::Required);
    assert_eq!(chat.await.unwrap().text, "two");
    let choices: Vec<_> =
        provider.requests().into_iter().map(|request| request.tool_choice).collect();
    assert_eq!(choices, [ToolChoice::Required, ToolChoice::Auto]);
}

#[tokio::test]
async fn in_the_last_round_the_model_may_have_to_answer() {
    let call = || doubles([("c", "{\"n\":1}")]);
    let (main, provider) = talk([call(), call(), Script::text("two")]).await;
    let limits = TurnLimits::new().with_rounds(3).with_final_answer();
    let reply = main.chat("q").with_tools("double").with_limits(limits).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.limit), ("two", None));
    let choices: Vec<_> =
        provider.requests().into_iter().map(|request| request.tool_choice).collect();
    assert_eq!(choices, [ToolChoice::Auto, ToolChoice::Auto, ToolChoice::None]);
    assert_eq!(provider.requests()[2].tools.len(), 1, "the tools stay, for the provider's cache");
}

/// Notes that a call begins, lets others go on, and notes that it ends.
async fn note(log: Arc<Mutex<Vec<String>>>, call: String) -> Result<(), ToolError> {
    log.lock().unwrap().push(format!("{call} begins"));
    tokio::task::yield_now().await;
    log.lock().unwrap().push(format!("{call} ends"));
    Ok(())
}

#[tokio::test]
async fn calls_of_a_tool_that_wants_it_run_one_after_the_other() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let tool = |name: &'static str| {
        let log = Arc::clone(&log);
        FunctionTool::new(name, "Notes when it begins and ends.", move |number: Number| {
            note(Arc::clone(&log), format!("{name} {}", number.n))
        })
    };
    let call = |id, name, n| (id, name, n);
    let calls = Script::calls([
        call("a", "serial", "{\"n\":1}"),
        call("b", "serial", "{\"n\":2}"),
        call("c", "parallel", "{\"n\":3}"),
        call("d", "parallel", "{\"n\":4}"),
    ]);
    let (main, _) = talk([calls, Script::text("done")]).await;
    main.register(tool("serial").with_serial_calls()).unwrap();
    main.register(tool("parallel")).unwrap();
    main.chat("q").with_tools(ToolSelection::All).await.unwrap();
    let log = log.lock().unwrap().clone();
    let of = |name: &str| -> Vec<_> {
        log.iter().filter_map(|line| line.strip_prefix(name)).map(str::trim).collect()
    };
    assert_eq!(of("serial"), ["1 begins", "1 ends", "2 begins", "2 ends"]);
    assert_eq!(of("parallel")[..2], ["3 begins", "4 begins"]);
}

#[tokio::test]
async fn an_output_that_is_too_much_is_a_failure_and_a_long_one_is_kept_whole() {
    let calls = Script::calls([("a", "much", "{\"n\":17000000}"), ("b", "much", "{\"n\":300000}")]);
    let (main, provider) = talk([calls, Script::text("done")]).await;
    let much = async |number: Number| {
        let count = usize::try_from(number.n).map_err(ToolError::because)?;
        Ok::<_, ToolError>("x".repeat(count))
    };
    main.register(FunctionTool::new("much", "Gives much.", much)).unwrap();
    let reply = main.chat("q").with_tools(ToolSelection::All).await.unwrap();
    let texts: Vec<_> = reply.results.iter().map(|result| result.text()).collect();
    assert!(texts[0].starts_with("failed: the tool ran, and gave 17000000 bytes"), "{}", texts[0]);
    assert_eq!(texts[1].len(), 300_000, "the history has all of it");
    assert_eq!(provider.requests().len(), 2);
}

#[tokio::test]
async fn calls_of_an_answer_that_was_cut_off_do_not_run() {
    for finish in [Finish::Length, Finish::ContentFilter] {
        let call = ("c1", "double", "{\"n\":1}");
        let script = Script::new().with_start().with_call(0, call).with_end(finish.clone());
        let (main, provider) = talk([script]).await;
        let reply = main.chat("2, doubled").with_tools(ToolSelection::All).await.unwrap();
        assert_eq!((reply.finish, reply.rounds, provider.requests().len()), (Some(finish), 1, 1));
        assert_eq!(texts(&main).await[2..], ["cancelled: the answer was cut off"]);
    }
}

#[tokio::test]
async fn a_call_has_a_key_that_no_other_has() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::clone(&keys);
    let tool = FunctionTool::with_context("note", "Notes.", move |_: Number, context| {
        inside.lock().unwrap().push(context.key());
        async { Ok::<_, ToolError>(()) }
    });
    // A server that counts its calls from the same number in each answer.
    let calls = || Script::calls([("call_0", "note", "{\"n\":1}")]);
    let (main, _) = talk([calls(), calls(), Script::text("done")]).await;
    main.register(tool).unwrap();
    main.chat("note").with_tools(ToolSelection::All).await.unwrap();
    let keys = keys.lock().unwrap();
    assert!(keys.len() == 2 && keys[0] != keys[1], "{keys:?}");
}

#[tokio::test]
async fn a_filter_hides_what_came_before_and_nothing_of_the_turn() {
    let (main, provider) = talk([doubles([("c1", "{\"n\":1}")]), Script::text("two")]).await;
    main.append(says("hidden")).await.unwrap();
    let nobody = Filter::new().with_sender("nobody");
    main.chat("q").with_tools("double").with_shown(nobody).await.unwrap();
    let shown = |index: usize| -> Vec<_> {
        provider.requests()[index].messages.iter().map(|message| message.body.kind()).collect()
    };
    assert_eq!(shown(0), [BodyKind::Instruction]);
    let whole = [BodyKind::Instruction, BodyKind::ActionRequest, BodyKind::ActionResponse];
    assert_eq!(shown(1), whole);
}

#[tokio::test]
async fn a_failure_in_a_later_round_keeps_what_was_done() {
    let scripts = [doubles([("c1", "{\"n\":1}")])];
    let (main, _) = talk(scripts).await;
    let error = main.chat("q").with_tools("double").await.unwrap_err();
    assert!(matches!(error, Error::Provider(_)), "{error}");
    let expected = [
        BodyKind::Instruction,
        BodyKind::ActionRequest,
        BodyKind::ActionResponse,
        BodyKind::Response,
    ];
    assert_eq!(kinds(&main).await, expected);
    let view = main.view().await.unwrap();
    assert_eq!(view.last().unwrap().status, Status::Failed);
}

#[tokio::test]
async fn a_turn_that_is_dropped_between_its_rounds_is_closed_where_it_was() {
    let gate = Gate::new();
    let slow = Script::new().with_start().with_gate(&gate).with_text("x").with_end(Finish::Stop);
    let (main, _) = talk([doubles([("c1", "{\"n\":1}")]), slow]).await;
    let mut stream = main.chat("q").with_tools("double").stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::CallCompleted { .. }))) {}
    let asked = async {
        gate.reached().await;
    };
    tokio::select! {
        event = stream.next() => panic!("{event:?}"),
        () = asked => {}
    }
    let reply = stream.interrupt().await.unwrap().unwrap();
    assert_eq!((reply.message.status, reply.rounds), (Status::Interrupted, 2));
    assert_eq!(reply.results.len(), 1);
    assert_eq!(texts(&main).await, ["q", "", "2", ""]);
}
