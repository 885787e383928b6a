//! A session whose model calls tools in two rounds, each of which notes that it ran.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use branchwork::{
    Branch, Engine,
    core::{
        graph::View,
        message::{Body, CallId, Role},
        provider::ModelRequest,
        store::Store,
        tool::ToolEffect,
    },
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{Script, ScriptedProvider, legal::breaches};
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Nothing {}

/// How often each call ran, by tool and call.
pub(crate) type Ran = Arc<Mutex<BTreeMap<(String, CallId), u32>>>;

/// A tool that notes each run.
pub(crate) fn tool(name: &'static str, effect: ToolEffect, ran: &Ran) -> FunctionTool {
    let ran = Arc::clone(ran);
    let run = move |_: Nothing, context: branchwork::tools::ToolContext| {
        *ran.lock().unwrap().entry((name.to_owned(), context.call.clone())).or_default() += 1;
        async move {
            // Calls end in another order than they begin.
            for _ in 0..(context.call.as_str().len() % 3) {
                tokio::task::yield_now().await;
            }
            Ok::<_, ToolError>(format!("{name} {}", context.call))
        }
    };
    FunctionTool::with_context(name, "Notes that it ran.", run).with_effect(effect)
}

/// What the model says, by how often it has answered already.
pub(crate) fn answer(request: &ModelRequest) -> Script {
    let asked = request.messages.iter().rposition(|message| message.role() == Role::User);
    let since = request.messages.iter().skip(asked.unwrap_or_default());
    let rounds = since.filter(|message| matches!(message.body, Body::ActionRequest { .. })).count();
    match rounds {
        0 => Script::calls([("a", "once", "{}"), ("bb", "look", "{}"), ("cccc", "put", "{}")]),
        1 => Script::calls([("d", "look", "{}"), ("ee", "once", "{}")]),
        _ => Script::text("done"),
    }
}

/// One process: an engine over `store` with the tools and the model.
pub(crate) fn process(store: Arc<dyn Store>) -> (Engine, Arc<ScriptedProvider>) {
    let engine = Engine::builder().store(store).build();
    let provider = Arc::new(ScriptedProvider::answering(answer));
    engine.register("local", Arc::clone(&provider) as _);
    (engine, provider)
}

pub(crate) async fn open(engine: &Engine, ran: &Ran) -> Branch {
    let session = engine.open_session("work").await.unwrap();
    for (name, effect) in [
        ("once", ToolEffect::AtMostOnce),
        ("look", ToolEffect::Pure),
        ("put", ToolEffect::Idempotent),
    ] {
        session.register(tool(name, effect, ran)).unwrap();
    }
    session.default_branch()
}

/// Checks that no provider would refuse what `view` shows.
pub(crate) fn assert_legal(view: &View, place: &str) {
    let messages: Vec<_> = view.messages().map(Arc::clone).collect();
    assert_eq!(breaches(&messages), Vec::<String>::new(), "{place}");
}
