//! Simulated lives of a turn: random answers and tools, and a process that dies at every commit and at
//! every effect of a tool, is followed by another, and that one perhaps by a third.
//!
//! `BRANCHWORK_SEEDS=4000 cargo test -p branchwork --test it simulation` is the long run.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use branchwork::{
    Branch, Engine, Error,
    core::{
        limits::TOOL_OUTPUT_BYTES_MAX,
        message::{Body, CallId, Message, Outcome, Role},
        provider::{ModelRequest, ProviderError},
        store::{MemoryStore, Store},
        tool::{Policy, ToolEffect, ToolSelection},
    },
    tools::{FunctionTool, ToolContext, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{DisturbedStore, Moment, Script, ScriptedProvider};
use serde::Deserialize;

use crate::work::assert_legal;

/// Seeds that are played when it is not said.
const SEEDS: u64 = 200;

/// Numbers that follow from a seed: `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = usize::try_from(self.roll(from.len() as u64)).unwrap();
        from[index]
    }
}

/// What a model says in one turn, and what comes of its calls.
struct Plan {
    rounds: Vec<Vec<Planned>>,
    /// Whether the provider fails in the end.
    fails: bool,
}

struct Planned {
    id: String,
    tool: &'static str,
    arguments: String,
    deed: &'static str,
}

impl Plan {
    fn of(dice: &mut Dice) -> Self {
        let rounds = (0..dice.roll(4)).map(|round| {
            let calls = (0..=dice.roll(4)).map(|place| Planned::of(dice, (round, place)));
            calls.collect()
        });
        let rounds = rounds.collect();
        Self { rounds, fails: dice.roll(5) == 0 }
    }

    /// What the model says, by how often it has answered already.
    fn answer(&self, request: &ModelRequest) -> Script {
        let is_call = |message: &&Arc<Message>| matches!(message.body, Body::ActionRequest { .. });
        let Some(calls) = self.rounds.get(request.messages.iter().filter(is_call).count()) else {
            let error = ProviderError::Auth { status: Some(401), detail: String::new() };
            return if self.fails { Script::refusal(error) } else { Script::text("done") };
        };
        let script = calls
            .iter()
            .zip(0..)
            .fold(Script::new().with_start().with_text("well"), |script, (call, index)| {
                script.with_call(index, (&call.id, call.tool, &call.arguments))
            });
        script.with_end(branchwork::core::provider::Finish::ToolCalls)
    }

    fn planned(&self, call: &CallId) -> &Planned {
        self.rounds.iter().flatten().find(|planned| planned.id == call.as_str()).unwrap()
    }
}

impl Planned {
    fn of(dice: &mut Dice, (round, place): (u64, u64)) -> Self {
        let tool = dice
            .pick(&["once", "once", "look", "look", "put", "put", "asked", "denied", "missing"]);
        let deeds = ["succeed", "succeed", "succeed", "fail", "panic", "hang", "misfit"];
        let deed = if dice.roll(100) == 0 { "huge" } else { dice.pick(&deeds) };
        let yields = dice.roll(5);
        let arguments = match deed {
            "misfit" => "{\"deed\":7}".to_owned(),
            deed => format!("{{\"deed\":\"{deed}\",\"yields\":{yields}}}"),
        };
        Self { id: format!("{round}-{place}"), tool, arguments, deed }
    }

    fn is_approved(call: &CallId) -> bool {
        call.as_str().ends_with(['0', '2'])
    }

    /// Whether `outcome` is what comes of it when it ran.
    fn allows(&self, outcome: &Outcome) -> bool {
        match (self.tool, self.deed) {
            ("missing", _) => matches!(outcome, Outcome::Failed(_)),
            ("denied", deed) if deed != "misfit" => *outcome == Outcome::Denied("never".to_owned()),
            // Nobody is asked about arguments that do not fit.
            ("asked", deed) if deed != "misfit" && !Self::is_approved(&CallId::new(&self.id)) => {
                *outcome == Outcome::Denied("no".to_owned())
            }
            (_, "succeed") => *outcome == Outcome::Succeeded(self.id.as_str().into()),
            _ => matches!(outcome, Outcome::Failed(_)),
        }
    }
}

/// Where the first process dies.
#[derive(Debug, Clone, Copy)]
enum Crash {
    Commit(u64, Moment),
    /// Just before or after a run of a tool took effect.
    Effect(u64, Moment),
}

/// How often each call took effect, by its key, with the tool.
type Effects = Mutex<BTreeMap<String, (&'static str, u32)>>;

fn note(effects: &Effects, key: String, tool: &'static str) {
    effects.lock().unwrap().entry(key).or_insert((tool, 0)).1 += 1;
}

/// What outlives processes.
struct World {
    plan: Arc<Plan>,
    store: Arc<dyn Store>,
    effects: Arc<Effects>,
    requests: Mutex<usize>,
    place: String,
}

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    deed: String,
    yields: u32,
}

/// A process: what it writes to, and the run of a tool at which it dies.
#[derive(Clone)]
struct Process {
    store: Arc<DisturbedStore>,
    runs: Arc<AtomicU64>,
    dies_at: Option<(u64, Moment)>,
}

impl Process {
    /// Lets a tool take effect, after others had their turn, when the process lives to see it.
    async fn run(&self, yields: u32, effect: impl FnOnce() + Send) -> Result<(), ToolError> {
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        if self.dies_at == Some((run, Moment::Before)) {
            self.store.die();
        }
        if self.store.is_dead() {
            return Err(ToolError::new("the process is dead"));
        }
        effect();
        if self.dies_at == Some((run, Moment::After)) {
            self.store.die();
        }
        Ok(())
    }
}

impl World {
    async fn new(plan: Arc<Plan>, place: String) -> Self {
        let store = Arc::new(MemoryStore::new()) as Arc<dyn Store>;
        let engine = Engine::builder().store(Arc::clone(&store)).build();
        engine.session("work").model("local:tiny").create().await.unwrap();
        Self { plan, store, effects: Arc::default(), requests: Mutex::new(0), place }
    }

    /// Lives one process: begins the turn, or goes on with it. Answers whether it died.
    async fn live(&self, crash: Option<Crash>) -> bool {
        let (commit, dies_at) = match crash {
            Some(Crash::Commit(number, moment)) => ((number, moment), None),
            Some(Crash::Effect(number, moment)) => ((0, moment), Some((number, moment))),
            None => ((0, Moment::Before), None),
        };
        let store = DisturbedStore::dying(Arc::clone(&self.store), commit.0, commit.1);
        let (store, runs) = (Arc::new(store), Arc::default());
        let process = Process { store, runs, dies_at };
        let engine = Engine::builder().store(Arc::clone(&process.store) as _).build();
        let plan = Arc::clone(&self.plan);
        let provider = Arc::new(ScriptedProvider::answering(move |request| plan.answer(request)));
        engine.register("local", Arc::clone(&provider) as _);
        let session = engine.open_session("work").await.unwrap();
        for (name, effect) in [
            ("once", ToolEffect::AtMostOnce),
            ("look", ToolEffect::Pure),
            ("put", ToolEffect::Idempotent),
        ] {
            session.register(self.tool(name, effect, &process)).unwrap();
        }
        let asked = self.tool("asked", ToolEffect::AtMostOnce, &process).with_approval();
        session.register(asked).unwrap();
        let denied = self.tool("denied", ToolEffect::Pure, &process);
        let never = |_: &serde_json::Value| Policy::Deny("never".to_owned());
        session.register(denied.with_policy(never)).unwrap();
        self.go_on(&session.default_branch(), &process).await;
        *self.requests.lock().unwrap() += provider.requests().len();
        process.store.is_dead()
    }

    async fn go_on(&self, main: &Branch, process: &Process) {
        let is_begun = !main.view().await.unwrap().is_empty();
        let chat = if is_begun { main.resume() } else { main.chat("work") };
        let mut ended = chat.with_tools(ToolSelection::All).await;
        while let Err(Error::Parked { .. }) = ended {
            // Answers that are lost with the process are given again by the next one.
            if self.answer_for_calls(main).await.is_err() {
                break;
            }
            ended = main.resume().with_tools(ToolSelection::All).await;
        }
        match ended {
            Ok(reply) => assert_eq!(reply.text, "done", "{}", self.place),
            Err(Error::NothingToResume) if is_begun => {}
            Err(Error::Provider(_)) if self.plan.fails => {}
            Err(_) if process.store.is_dead() => {}
            Err(error) => panic!("{}: {error}", self.place),
        }
    }

    /// Every other call that waits for it is approved.
    async fn answer_for_calls(&self, main: &Branch) -> Result<(), Error> {
        for call in main.waiting_calls().await? {
            if Planned::is_approved(&call.id) {
                main.approve(&call.id).await?;
            } else {
                main.deny(&call.id, "no").await?;
            }
        }
        Ok(())
    }

    fn tool(&self, name: &'static str, effect: ToolEffect, process: &Process) -> FunctionTool {
        let (process, effects) = (process.clone(), Arc::clone(&self.effects));
        let run = move |arguments: Arguments, context: ToolContext| {
            let (process, effects) = (process.clone(), Arc::clone(&effects));
            async move {
                let effect = || note(&effects, context.key(), name);
                process.run(arguments.yields, effect).await?;
                act(&arguments.deed, context.call.as_str()).await
            }
        };
        let tool = FunctionTool::with_context(name, "Does what it is told.", run);
        tool.with_effect(effect).with_timeout(Duration::from_secs(1))
    }

    /// Whatever happened: see the head of this file.
    async fn check(&self, lives: usize) {
        let Self { place, .. } = self;
        let engine = Engine::builder().store(Arc::clone(&self.store)).build();
        let main = engine.open_session("work").await.unwrap().default_branch();
        let view = main.view().await.unwrap();
        assert_legal(&view, place);
        assert!(!main.is_cut_off().await.unwrap(), "{place}: it ends");
        for message in view.messages() {
            if let Body::ActionResponse { call, outcome, .. } = &message.body {
                let planned = self.plan.planned(call);
                let may_be_unknown = matches!(planned.tool, "once" | "asked") && lives > 1;
                let is_unknown = may_be_unknown && *outcome == Outcome::Unknown;
                assert!(is_unknown || planned.allows(outcome), "{place}: {call} {outcome:?}");
            }
        }
        for (key, (tool, count)) in self.effects.lock().unwrap().iter() {
            assert_ne!(*tool, "denied", "{place}: {key} took effect");
            assert!(
                !matches!(*tool, "once" | "asked") || *count == 1,
                "{place}: {key} took effect {count} times"
            );
        }
        let is_answer = |message: &&Arc<Message>| message.role() == Role::Assistant;
        let answers = view.messages().filter(is_answer).count();
        let asked = *self.requests.lock().unwrap();
        assert!(asked < answers + lives, "{place}: {asked} requests for {answers} answers");
        assert_eq!(engine.verify().await.unwrap().problems, Vec::<String>::new(), "{place}");
        engine.register("local", Arc::new(ScriptedProvider::new()));
        let replayed = main.replay().await;
        let replayed = replayed.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(replayed.turns + replayed.copied.len(), 1, "{place}: {replayed:?}");
    }
}

/// Does what a call says.
async fn act(deed: &str, call: &str) -> Result<String, ToolError> {
    match deed {
        "succeed" => Ok(call.to_owned()),
        "fail" => Err(ToolError::new("it fails")),
        // As a panic, and says nothing on standard error.
        "panic" => std::panic::resume_unwind(Box::new("it panics")),
        "huge" => Ok("x".repeat(TOOL_OUTPUT_BYTES_MAX + 1)),
        _ => std::future::pending().await,
    }
}

/// Plays a turn that is cut off at `crash`. Answers whether it came to that.
async fn play(plan: &Arc<Plan>, dice: &mut Dice, crash: Crash, place: String) -> bool {
    let world = World::new(Arc::clone(plan), place).await;
    let has_died = world.live(Some(crash)).await;
    let mut lives = 1;
    if has_died {
        // The second process may die too.
        let again = Crash::Commit(dice.roll(8) + 1, dice.pick(&[Moment::Before, Moment::After]));
        lives += 1;
        if world.live(Some(again)).await {
            lives += 1;
            assert!(!world.live(None).await);
        }
    }
    world.check(lives).await;
    has_died
}

/// Plays a turn once for every crash of a kind. Answers how many there were.
async fn play_all(seed: u64, crash: impl Fn(u64) -> Crash) -> u64 {
    let mut dice = Dice(seed);
    let plan = Arc::new(Plan::of(&mut dice));
    let mut number = 1;
    let place = |number| format!("seed {seed}, {:?}", crash(number));
    while play(&plan, &mut dice, crash(number), place(number)).await {
        number += 1;
    }
    number - 1
}

#[expect(clippy::disallowed_methods, reason = "how long the test takes is for its caller to say")]
fn seeds() -> u64 {
    std::env::var("BRANCHWORK_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn whenever_a_process_dies_the_turn_ends_as_if_it_had_not() {
    let mut crashes = 0_u64;
    for seed in 0..seeds() {
        crashes += play_all(seed, |number| Crash::Commit(number, Moment::Before)).await;
        crashes += play_all(seed, |number| Crash::Commit(number, Moment::After)).await;
        crashes += play_all(seed, |number| Crash::Effect(number, Moment::Before)).await;
        crashes += play_all(seed, |number| Crash::Effect(number, Moment::After)).await;
    }
    assert!(crashes > 10 * seeds(), "{crashes} crashes");
}
