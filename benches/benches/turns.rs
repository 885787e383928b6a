//! Turns with tools, without a model and a network: what a round costs, and going on after a crash.

use std::{future::ready, sync::Arc, time::Duration};

use async_trait::async_trait;
use branchwork::{
    Branch, Engine,
    core::{
        message::{Body, Draft, Role},
        provider::{
            EventStream, Finish, ModelInfo, ModelRequest, Provider, ProviderError, ProviderEvent,
            RenderedRequest,
        },
        store::Store,
        tool::{ToolEffect, ToolSelection},
        turn::TurnLimits,
    },
    sqlite::SqliteStore,
    tools::{FunctionTool, ToolSpec},
};
use branchwork_benches::{
    measure::{median, process_cpu, timed_async},
    report::{self, micros},
    text,
};
use branchwork_testkit::{DisturbedStore, Moment};
use futures_util::stream;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

/// Rounds of one turn, and turns.
const ROUNDS: u32 = 50;
const TURNS: usize = 20;
/// Messages before a turn that was cut off.
const SIZES: [u64; 2] = [1_000, 10_000];
const SAMPLES: u64 = 9;

/// Calls one tool in each round, and renders nothing: what is measured is the engine.
#[derive(Debug)]
struct Calling;

#[async_trait]
impl Provider for Calling {
    fn render(&self, _request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        Ok(RenderedRequest::default())
    }

    async fn send(
        &self,
        request: &ModelRequest,
        _rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let since = request.messages.iter().rev();
        let since = since.take_while(|message| message.role() != Role::User).count();
        // An answer and its result for each round.
        let is_done = since >= 2 * usize::try_from(ROUNDS - 1).unwrap_or_default();
        let id = format!("c{}", request.messages.len());
        let events = if is_done {
            vec![ProviderEvent::Text("done".to_owned()), ProviderEvent::Finished(Finish::Stop)]
        } else {
            vec![
                ProviderEvent::CallStarted { index: 0, id, function: "look".to_owned() },
                ProviderEvent::CallArguments { index: 0, text: "{}".to_owned() },
                ProviderEvent::Finished(Finish::ToolCalls),
            ]
        };
        Ok(Box::pin(stream::iter(events.into_iter().map(Ok))))
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        Ok(Vec::new())
    }
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    report::head(&["what", "time", "CPU", "commits"]);
    let engine = Engine::in_memory();
    let (time, cpu) = rounds(&runtime, &engine);
    row("a tool round in memory", time, cpu, &"–");
    let store = Arc::new(SqliteStore::open(folder.path().join("turns.db")).expect("a file"));
    let engine = Engine::builder().store(Arc::clone(&store) as _).build();
    let (time, cpu) = rounds(&runtime, &engine);
    let turns = u64::try_from(TURNS).unwrap_or_default() * u64::from(ROUNDS);
    let commits = format!("{:.2}", per(store.transactions(), turns));
    row("a tool round in a file", time, cpu, &commits);
    for size in SIZES {
        let times = (0..SAMPLES).map(|number| {
            let path = folder.path().join(format!("{size}-{number}.db"));
            runtime.block_on(resume(SqliteStore::open(path).expect("a file"), size))
        });
        let time = median(times.collect());
        let what = format!("opening and resuming behind {size} messages");
        report::row(&[&what, &format!("{:.2} ms", time.as_secs_f64() * 1e3), &"–", &"–"]);
    }
}

fn per(count: u64, of: u64) -> f64 {
    let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    number(count) / number(of)
}

fn row(what: &str, time: Duration, cpu: Duration, commits: &dyn std::fmt::Display) {
    // Short turns on one thread are below what the kernel counts.
    let micros = |time: Duration| {
        if time.is_zero() { "–".to_owned() } else { format!("{:.1} µs", micros(time)) }
    };
    report::row(&[&what, &micros(time), &micros(cpu), commits]);
}

async fn talk(engine: &Engine) -> Branch {
    engine.register("local", Arc::new(Calling));
    let session = match engine.session_named("turns").await.expect("it can be read") {
        Some(session) => session,
        None => engine.session("turns").model("local:m").create().await.expect("it can be made"),
    };
    let spec = ToolSpec {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({ "type": "object" }),
    };
    let look = FunctionTool::dynamic(spec, |_, _| ready(Ok(json!("nothing to see"))));
    session.register(look.with_effect(ToolEffect::Pure)).expect("it can be registered");
    session.default_branch()
}

/// What one round costs: an answer that calls a tool, the call, its result.
fn rounds(runtime: &Runtime, engine: &Engine) -> (Duration, Duration) {
    let limits = TurnLimits::new().with_rounds(ROUNDS);
    let (mut times, mut cpus) = (Vec::new(), Vec::new());
    let main = runtime.block_on(talk(engine));
    for _ in 0..TURNS {
        // A branch of its own for each turn: what is shown stays small.
        let fork = runtime.block_on(main.fork_unnamed().into_future()).expect("it can be forked");
        let chat = fork.chat("work").with_tools(ToolSelection::All).with_limits(limits);
        let before = process_cpu();
        let (reply, time) = runtime.block_on(timed_async(chat.into_future()));
        let cpu = process_cpu().saturating_sub(before);
        assert_eq!(reply.expect("it ends").rounds, ROUNDS, "it goes all its rounds");
        times.push(time / ROUNDS);
        cpus.push(cpu / ROUNDS);
    }
    (median(times), median(cpus))
}

/// The time from opening the file to the end of a turn that was cut off behind its first answer.
async fn resume(store: SqliteStore, size: u64) -> Duration {
    let store: Arc<dyn Store> = Arc::new(store);
    let main = talk(&Engine::builder().store(Arc::clone(&store)).build()).await;
    let mut number = 0;
    while number < size {
        let texts = number..size.min(number + 1_000);
        let drafts = texts.map(|number| Draft::new(Body::response(text::kibibyte(number))));
        main.append_all(drafts.collect()).await.expect("they can be appended");
        number += 1_000;
    }
    let dying = DisturbedStore::dying(Arc::clone(&store), 2, Moment::After);
    let main = talk(&Engine::builder().store(Arc::new(dying)).build()).await;
    drop(main.chat("work").with_tools(ToolSelection::All).await.expect_err("it dies"));
    let (_, time) = timed_async(async {
        let main = talk(&Engine::builder().store(store).build()).await;
        let limits = TurnLimits::new().with_rounds(1);
        let resumed = main.resume().with_tools(ToolSelection::All).with_limits(limits);
        resumed.await.expect("it goes on")
    })
    .await;
    time
}
