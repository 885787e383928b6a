//! Flows: fan-out, and reasoning and acting in turns.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use branchwork::{
    Branch, Engine, Error,
    core::{
        message::Role,
        provider::{Finish, ModelRequest, ProviderError, ToolChoice},
        tool::ToolSelection,
        turn::TurnLimits,
    },
    flows::{FanOutItem, ReactPrompts},
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{Gate, Script, ScriptedProvider};
use serde::Deserialize;
use serde_json::json;

use crate::support::{says, session, texts};

/// A branch whose model answers by what it is asked.
async fn talk(
    answer: impl Fn(&ModelRequest) -> Script + Send + Sync + 'static,
) -> (Branch, Arc<ScriptedProvider>) {
    let provider = Arc::new(ScriptedProvider::answering(answer));
    let builder =
        Engine::in_memory().session("flows").provider("local", Arc::clone(&provider) as _);
    (builder.model("tiny").create().await.unwrap().default_branch(), provider)
}

fn last(request: &ModelRequest) -> String {
    request.messages.last().unwrap().text()
}

/// Says again what it is asked, with the model it is.
fn echo(request: &ModelRequest) -> Script {
    let model = request.config.model.clone().unwrap_or_default();
    Script::text(format!("{model}: {}", last(request)))
}

fn text(item: &FanOutItem) -> &str {
    &item.outcome.as_ref().unwrap().text
}

#[tokio::test]
async fn s170_ten_contexts_are_asked_each_apart_and_answered_in_their_order() {
    let (main, provider) = talk(|request| {
        let context = match &request.messages.last().unwrap().body {
            branchwork::core::message::Body::Instruction { context, .. } => context.clone(),
            other => panic!("{:?}", other.kind()),
        };
        Script::text(context.unwrap().to_string())
    })
    .await;
    main.append(says("before")).await.unwrap();
    let contexts = (0..10).map(|number| json!(number));
    let items = main.fan_out(["q"]).contexts(contexts).concurrency(3).await.unwrap();
    let answers: Vec<_> = items.iter().map(text).collect();
    assert_eq!(answers, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(texts(&main).await, ["before"]);
    for (number, item) in items.iter().enumerate() {
        let fork = item.branch.as_ref().unwrap();
        assert_eq!(texts(fork).await, ["before", "q", &number.to_string()]);
        assert_eq!(fork.record().await.unwrap().forked_from, Some(main.id()));
    }
    assert!(provider.requests().iter().all(|request| request.messages.len() == 2));
}

#[tokio::test]
async fn s171_everything_with_everything_so_many_times() {
    let (main, _) = talk(echo).await;
    let fan_out = main.fan_out(["a", "b"]).contexts([json!(1), json!(2), json!(3)]);
    let items = fan_out.models(["tiny", "local:large"]).samples(2).await.unwrap();
    assert_eq!(items.len(), 2 * 3 * 2 * 2);
    let place = |item: &FanOutItem| {
        let (context, model) = (item.context.clone().unwrap(), item.model.clone().unwrap());
        (item.instruction.clone(), context.as_i64().unwrap(), model, item.sample)
    };
    let places: Vec<_> = items.iter().map(place).collect();
    assert_eq!(places[0], ("a".to_owned(), 1, "tiny".to_owned(), 0));
    assert_eq!(places[1].3, 1);
    assert_eq!(places[2].2, "local:large");
    assert_eq!(places[23], ("b".to_owned(), 3, "local:large".to_owned(), 1));
    assert_eq!((text(&items[0]), text(&items[2])), ("tiny: a", "large: a"));
}

#[tokio::test]
async fn a_failure_is_of_its_item_and_the_others_go_on() {
    let (main, _) = talk(|request| match last(request).as_str() {
        "bad" => Script::refusal(ProviderError::Auth { status: Some(401), detail: String::new() }),
        text => Script::text(text),
    })
    .await;
    let items = main.fan_out(["good", "bad", "fine"]).models(["tiny", ""]).await.unwrap();
    let failed: Vec<_> = items.iter().map(|item| item.outcome.is_err()).collect();
    assert_eq!(failed, [false, true, true, true, false, true]);
    assert!(matches!(items[2].outcome, Err(Error::Provider(_))));
    assert!(items[1].branch.is_none(), "no model has an empty name");
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// Lets others go on, so many times.
async fn take_turns(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_more_are_asked_at_a_time_than_was_said() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (main, _) = talk(|request| match request.messages.last().unwrap().role() {
        Role::User => Script::calls([("c", "count", "{}")]),
        _ => Script::text("done"),
    })
    .await;
    let (now, seen) = (Arc::clone(&running), Arc::clone(&most));
    let count = FunctionTool::new("count", "Counts.", move |_: Nothing| {
        let (now, seen) = (Arc::clone(&now), Arc::clone(&seen));
        async move {
            seen.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            take_turns(8).await;
            now.fetch_sub(1, Ordering::Relaxed);
            Ok::<_, ToolError>(())
        }
    });
    main.register(count).unwrap();
    let fan_out = main.fan_out(["q"]).samples(20).concurrency(4);
    let items = fan_out.each(|chat| chat.with_tools(ToolSelection::All)).await.unwrap();
    assert!(items.iter().all(|item| text(item) == "done"));
    assert_eq!(most.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_fan_out_that_cannot_be_done_asks_nothing() {
    let (main, provider) = talk(echo).await;
    let none: [&str; 0] = [];
    for fan_out in [
        main.fan_out(none),
        main.fan_out(["q"]).samples(0),
        main.fan_out(["q"]).concurrency(0),
        main.fan_out(["q"]).samples(10_001),
        main.fan_out(["q", "r"]).samples(usize::MAX),
    ] {
        let refused = fan_out.await.unwrap_err();
        assert!(matches!(refused, Error::BadFanOut { .. }), "{refused}");
    }
    assert_eq!(provider.requests().len(), 0);
}

#[derive(Deserialize, JsonSchema)]
struct Number {
    n: i64,
}

/// A tool that multiplies by 3, and one that adds 1.
fn arithmetic(main: &Branch) {
    let times = async |number: Number| Ok::<_, ToolError>(3 * number.n);
    main.register(FunctionTool::new("multiply3", "Multiplies by 3.", times)).unwrap();
    let add = async |number: Number| Ok::<_, ToolError>(number.n + 1);
    main.register(FunctionTool::new("add", "Adds 1.", add)).unwrap();
}

/// Calls a tool whenever it may.
fn never_done(request: &ModelRequest) -> Script {
    match request.tool_choice {
        ToolChoice::None => Script::text("thinking"),
        _ => Script::calls([("c", "multiply3", "{\"n\":2}")]),
    }
}

#[tokio::test]
async fn s159_rounds_of_reasoning_and_acting_count_down_and_end_with_the_result() {
    let (main, provider) = talk(never_done).await;
    arithmetic(&main);
    let react = main.react("How many apples?").with_context(json!({ "apples": 2 }));
    let reply = react.with_rounds(4).await.unwrap();
    assert_eq!(reply.text, "thinking");
    let requests = provider.requests();
    assert_eq!(requests.len(), 9);
    let steps = |request: &ModelRequest| {
        let asked = request.messages.iter().rfind(|message| message.role() == Role::User);
        let text = asked.unwrap().text();
        (1..=8).find(|steps| text.contains(&format!("You have {steps} steps left")))
    };
    let told: Vec<_> = requests[..8].iter().map(|request| steps(request).unwrap()).collect();
    assert_eq!(told, [8, 7, 6, 5, 4, 3, 2, 1]);
    let first = last(&requests[0]);
    assert!(
        first.starts_with("How many apples?\n\n") && first.contains("add, multiply3"),
        "{first}"
    );
    let choices: Vec<_> = requests.iter().map(|request| request.tool_choice.clone()).collect();
    assert_eq!(choices[..3], [ToolChoice::None, ToolChoice::Auto, ToolChoice::None]);
    assert_eq!(last(&requests[8]), "Present the final result to the user.");
}

#[tokio::test]
async fn s159_a_model_that_is_done_ends_it_early() {
    let (main, provider) = talk(|request| {
        let results = request.messages.iter().filter(|message| message.role() == Role::Tool);
        match (&request.tool_choice, results.count()) {
            (ToolChoice::Auto, 0) => Script::calls([("c", "multiply3", "{\"n\":2}")]),
            (ToolChoice::Auto, _) => Script::text("done"),
            _ => Script::text("6 apples"),
        }
    })
    .await;
    arithmetic(&main);
    let reply = main.react("How many?").with_rounds(10).await.unwrap();
    assert_eq!((reply.text.as_str(), provider.requests().len()), ("6 apples", 5));
}

#[tokio::test]
async fn s160_without_tools_there_is_nothing_to_act_with_and_one_is_enough() {
    let (main, provider) = talk(never_done).await;
    assert!(matches!(main.react("q").await, Err(Error::NoTools)));
    arithmetic(&main);
    assert!(matches!(main.react("q").with_tools("nope").await, Err(Error::NotFound { .. })));
    assert_eq!(provider.requests().len(), 0);
    main.react("q").with_tools("multiply3").with_rounds(1).await.unwrap();
    let offered: Vec<_> =
        provider.requests()[1].tools.iter().map(|tool| tool.name.clone()).collect();
    assert_eq!(offered, ["multiply3"]);
}

#[tokio::test]
async fn s161_no_rounds_are_one_question() {
    let (main, provider) = talk(never_done).await;
    arithmetic(&main);
    let prompts = ReactPrompts::new().with_present("And now?");
    main.react("q").with_rounds(0).with_prompts(prompts).await.unwrap();
    let asked: Vec<_> = provider.requests().iter().map(last).collect();
    assert_eq!(asked, ["q\n\nAnd now?"]);
}

#[tokio::test]
async fn follow_ups_end_with_an_answer() {
    let (session, provider) = session([
        Script::calls([("c", "multiply3", "{\"n\":2}")]),
        Script::calls([("d", "add", "{\"n\":6}")]),
        Script::text("7"),
    ])
    .await;
    let main = session.default_branch();
    arithmetic(&main);
    let limits = TurnLimits::new().with_rounds(3).with_final_answer();
    let reply = main.chat("2 × 3 + 1").with_tools(ToolSelection::All).with_limits(limits).await;
    let reply = reply.unwrap();
    assert_eq!((reply.text.as_str(), reply.results.len()), ("7", 2));
    assert_eq!(provider.requests().len(), 3);
}

/// Asks three things of two models, behind `shared`; answers how many calls were made before the first
/// word of their model.
async fn calls_before_the_first_word(shared: &str, stagger: Option<bool>) -> usize {
    let models = ["tiny", "large"];
    let gates = models.map(|model| (model, Gate::new()));
    let spoken: Arc<Mutex<Vec<&str>>> = Arc::default();
    let early = Arc::new(AtomicUsize::new(0));
    let (main, _) = talk({
        let (gates, spoken, early) = (gates.clone(), Arc::clone(&spoken), Arc::clone(&early));
        move |request| {
            let asked = request.config.model.as_deref().unwrap();
            if !spoken.lock().unwrap().contains(&asked) {
                early.fetch_add(1, Ordering::SeqCst);
            }
            let (_, gate) = gates.iter().find(|(model, _)| *model == asked).unwrap();
            Script::new().with_start().with_gate(gate).with_text("Rome").with_end(Finish::Stop)
        }
    })
    .await;
    main.append(says(shared)).await.unwrap();
    let fan_out = main.fan_out(["a", "b", "c"]).models(models).concurrency(6);
    let fan_out = match stagger {
        Some(stagger) => fan_out.stagger(stagger),
        None => fan_out,
    };
    let opening = async {
        for (model, gate) in &gates {
            gate.reached().await;
            spoken.lock().unwrap().push(model);
            gate.release();
        }
    };
    let (items, ()) = tokio::join!(fan_out.into_future(), opening);
    let items = items.unwrap();
    assert_eq!(items.iter().map(text).collect::<Vec<_>>(), ["Rome"; 6]);
    early.load(Ordering::SeqCst)
}

#[tokio::test]
async fn the_first_call_of_each_model_fills_the_cache_before_the_others_are_made() {
    let long = "word ".repeat(2_000);
    assert_eq!(calls_before_the_first_word("short", Some(true)).await, 2);
    assert_eq!(calls_before_the_first_word("short", None).await, 6, "nothing to cache");
    assert_eq!(calls_before_the_first_word(&long, None).await, 2);
    assert_eq!(calls_before_the_first_word(&long, Some(false)).await, 6);
}

#[tokio::test]
async fn a_first_call_that_fails_holds_nobody_up() {
    let count = AtomicUsize::new(0);
    let (main, _) = talk(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Script::refusal(ProviderError::TooLong { detail: String::new() }),
        _ => Script::text("Rome"),
    })
    .await;
    let items = main.fan_out(["a", "b", "c"]).stagger(true).await.unwrap();
    assert!(items[0].outcome.is_err());
    assert_eq!([text(&items[1]), text(&items[2])], ["Rome", "Rome"]);
}
