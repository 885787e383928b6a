//! Many sessions at once against one model server, beside a bare HTTP client that sends the same
//! requests: turns a second, and what a session costs that is open and idle.
//!
//! The server is a process of its own with one thread. It shares the machine's cores with the client: so
//! turns a second hold the work of both, and the CPU of the client alone stands beside them. Bare
//! and ours have the same runtime, as many calls under way, and a pool of connections with the same
//! settings. They take turns within one run; ratios are those of neighbours.

use std::{
    collections::BTreeMap, env, future::ready, net::SocketAddr, path::Path, process::Command,
    sync::Arc, time::Duration,
};

use branchwork::{
    Branch, Engine, Session,
    core::provider::{ModelRequest, Provider as _},
    providers::{HttpOptions, HttpProvider},
    sqlite::SqliteStore,
};
use branchwork_benches::{
    bare::Answer,
    measure::{Stopwatch, cpu_of, median_number, process_cpu, resident_bytes},
    report,
    server::{self, Process},
};
use futures_util::{StreamExt as _, stream};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

const SESSIONS: usize = 1_000;
const TURNS: usize = 5;
/// Calls under way at any moment.
const CALLS: usize = 50;
/// Pieces of text in one answer.
const PIECES: usize = 20;
/// How often all of it is done.
const ROUNDS: usize = 9;

/// The argument that makes this be the process whose memory is measured.
const IDLE: &str = "idle";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Bare,
    Memory,
    File,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Bare, Self::Memory, Self::File];

    const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare client",
            Self::Memory => "in memory",
            Self::File => "durable",
        }
    }
}

fn main() {
    // The bare client is built without a choice of cryptography; it speaks plain HTTP.
    drop(rustls::crypto::ring::default_provider().install_default());
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [server::ARGUMENT] => server::be_process(PIECES),
        [IDLE, name, address] => {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == *name);
            idle(kind.expect("it is a kind"), address.parse().expect("it is an address"));
        }
        _ => {
            let server = Process::start();
            speed(&server);
            memory(server.address());
        }
    }
}

/// What one load cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    time: Duration,
    cpu: Duration,
    server: Duration,
    transactions: f64,
}

type Costs = BTreeMap<Kind, Vec<Cost>>;

fn speed(server: &Process) {
    let mut costs = Costs::new();
    // The first round warms up.
    for round in 0..=ROUNDS {
        let kinds = Kind::ALL.into_iter().cycle().skip(round % Kind::ALL.len());
        for kind in kinds.take(Kind::ALL.len()) {
            let cost = runtime().block_on(measure(kind, server));
            costs.entry(kind).or_default().extend((round > 0).then_some(cost));
        }
    }
    let what = format!("{SESSIONS} sessions of {TURNS} turns, {CALLS} at once");
    report::head(&[&what, "turns/s", "of bare", "CPU a turn", "of bare", "turns a transaction"]);
    for kind in Kind::ALL {
        report_speed(kind, &costs);
    }
    let server = median_of(&costs, Kind::Bare, |cost| cost.server.as_secs_f64()) / turns();
    report::line(&format!("\nThe server takes {:.0} µs of CPU a turn.\n", server * 1e6));
}

fn report_speed(kind: Kind, costs: &Costs) {
    let per_second = turns() / median_of(costs, kind, |cost| cost.time.as_secs_f64());
    let cpu = median_of(costs, kind, |cost| cost.cpu.as_secs_f64()) / turns();
    let speed = 100.0 / of_bare(costs, kind, |cost| cost.time.as_secs_f64());
    let cpu_of_bare = of_bare(costs, kind, |cost| cost.cpu.as_secs_f64());
    let commits = median_of(costs, kind, |cost| cost.transactions);
    report::row(&[
        &kind.name(),
        &format!("{per_second:.0}"),
        &format!("{speed:.0} %"),
        &format!("{:.0} µs", cpu * 1e6),
        &format!("{cpu_of_bare:.2} ×"),
        &if commits > 0.0 { format!("{:.1}", turns() / commits) } else { "–".to_owned() },
    ]);
}

/// The median of what `of` says of each load.
fn median_of(costs: &Costs, kind: Kind, of: fn(&Cost) -> f64) -> f64 {
    median_number(costs[&kind].iter().map(of).collect())
}

/// The median of the ratios to the bare client in the same round.
fn of_bare(costs: &Costs, kind: Kind, of: fn(&Cost) -> f64) -> f64 {
    let pairs = costs[&kind].iter().zip(&costs[&Kind::Bare]);
    median_number(pairs.map(|(own, bare)| of(own) / of(bare)).collect())
}

fn turns() -> f64 {
    count((SESSIONS * TURNS) as u64)
}

fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Puts one load on the server; conversations are made before the clock starts.
async fn measure(kind: Kind, server: &Process) -> Cost {
    let folder = tempfile::tempdir().expect("a folder");
    if kind == Kind::Bare {
        let talks = bare_talks(server.address(), SESSIONS);
        return timed(server, || 0, load(talks, ask_bare)).await;
    }
    let ours = Ours::new(kind, folder.path(), server.address());
    let talks = ours.talks(SESSIONS).await;
    let cost = timed(server, || ours.transactions(), load(talks, ask)).await;
    ours.engine.close().await.expect("it is written");
    cost
}

async fn timed<T>(
    server: &Process,
    transactions: impl Fn() -> u64,
    work: impl Future<Output = T>,
) -> Cost {
    let id = server.id().to_string();
    let before = (process_cpu(), cpu_of(&id), transactions());
    let watch = Stopwatch::start();
    drop(work.await);
    Cost {
        time: watch.elapsed(),
        cpu: process_cpu().saturating_sub(before.0),
        server: cpu_of(&id).saturating_sub(before.1),
        transactions: count(transactions() - before.2),
    }
}

/// Asks in all `talks` once, then again, and so on; as many calls at a time as there may be.
async fn load<T, F>(mut talks: Vec<T>, ask: fn(T, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let size = talks.len().div_ceil(CALLS);
    let mut workers = JoinSet::new();
    while !talks.is_empty() {
        let mut share = talks.split_off(talks.len().saturating_sub(size));
        workers.spawn(async move {
            for number in 0..TURNS {
                share = stream::iter(share).then(|talk| ask(talk, number)).collect().await;
            }
            share
        });
    }
    workers.join_all().await.into_iter().flatten().collect()
}

/// What is asked: as long as people write.
fn question(number: usize) -> String {
    format!(
        "Question {number}: which of the three routes would you take with two children and one day \
         less, and what would you leave out so that nobody has to hurry in the evening?"
    )
}

fn check(answer: &str) {
    assert!(answer.ends_with("word19"), "the answer is whole");
}

/// A conversation of the bare client: what was said, as the requests have it.
#[derive(Debug)]
struct BareTalk {
    client: reqwest::Client,
    url: String,
    said: String,
}

fn bare_talks(address: SocketAddr, count: usize) -> Vec<BareTalk> {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let url = format!("http://{address}/v1/chat/completions");
    let talk = |_| BareTalk { client: client.clone(), url: url.clone(), said: String::new() };
    (0..count).map(talk).collect()
}

impl BareTalk {
    fn say(&mut self, role: &str, text: &str) {
        let comma = if self.said.is_empty() { "" } else { "," };
        let text = serde_json::to_string(text).expect("text is JSON");
        self.said.push_str(&format!(r#"{comma}{{"role":"{role}","content":{text}}}"#));
    }

    fn request(&self) -> String {
        let head = r#"{"model":"tiny","stream":true,"stream_options":{"include_usage":true}"#;
        format!(r#"{head},"messages":[{}]}}"#, self.said)
    }
}

async fn ask_bare(mut talk: BareTalk, number: usize) -> BareTalk {
    talk.say("user", &question(number));
    let request = talk.client.post(&talk.url).header("content-type", "application/json");
    let mut response = request.body(talk.request()).send().await.expect("the server answers");
    let mut answer = Answer::default();
    while let Some(bytes) = response.chunk().await.expect("the answer comes") {
        answer.push(&bytes);
    }
    check(&answer.text);
    talk.say("assistant", &answer.text);
    talk
}

/// A conversation of ours, with all its handles.
type Talk = (Session, Branch);

struct Ours {
    engine: Engine,
    provider: Arc<HttpProvider>,
    store: Option<Arc<SqliteStore>>,
}

impl Ours {
    fn new(kind: Kind, folder: &Path, address: SocketAddr) -> Self {
        let options = HttpOptions::chat(&format!("http://{address}/v1")).expect("a base URL");
        let provider = Arc::new(HttpProvider::new(options).expect("a client can be made"));
        let open = || Arc::new(SqliteStore::open(folder.join("load.db")).expect("a file"));
        let store = (kind == Kind::File).then(open);
        let engine = match &store {
            None => Engine::in_memory(),
            Some(store) => Engine::builder().store(Arc::clone(store) as _).build(),
        };
        Self { engine, provider, store }
    }

    fn transactions(&self) -> u64 {
        self.store.as_ref().map_or(0, |store| store.transactions())
    }

    async fn talk(&self) -> Talk {
        let session = self.engine.unnamed_session();
        let session = session.provider("local", Arc::clone(&self.provider) as _);
        let session = session.model("tiny").create().await.expect("a session can be made");
        let main = session.default_branch();
        (session, main)
    }

    async fn talks(&self, count: usize) -> Vec<Talk> {
        let mut talks = Vec::with_capacity(count);
        for _ in 0..count {
            talks.push(self.talk().await);
        }
        talks
    }
}

async fn ask((session, main): Talk, number: usize) -> Talk {
    let reply = main.chat(question(number)).await.expect("the answer comes");
    check(&reply.text);
    (session, main)
}

/// Each kind in a process of its own, so that nothing is left of another.
fn memory(address: SocketAddr) {
    let handles = "all handles dropped";
    report::head(&["resident for each session, idle after its turns", "open", handles]);
    let program = env::current_exe().expect("the program knows where it is");
    for kind in Kind::ALL {
        let mut command = Command::new(&program);
        command.args([IDLE, kind.name(), &address.to_string()]);
        let output = command.output().expect("the program starts again");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        report::line(String::from_utf8_lossy(&output.stdout).trim());
    }
}

fn idle(kind: Kind, address: SocketAddr) {
    let folder = tempfile::tempdir().expect("a folder");
    let [open, dropped] = runtime().block_on(async {
        if kind == Kind::Bare {
            let make = |count| ready(bare_talks(address, count));
            return growth(make, ask_bare).await;
        }
        let ours = Ours::new(kind, folder.path(), address);
        let first = ask(ours.talk().await, 0).await;
        same_requests(&ours, &first.1, address).await;
        growth(|count| ours.talks(count), ask).await
    });
    let per_session =
        |bytes: u64| format!("{:.1} KiB", count(bytes) / count(SESSIONS as u64) / 1_024.0);
    report::row(&[&kind.name(), &per_session(open), &per_session(dropped)]);
}

/// How much more memory is resident once talks were made and had their turns: with their handles and
/// without. A few before them, one for each call at a time, open the connections, and stay.
async fn growth<T, M, F>(make: impl Fn(usize) -> M, ask: fn(T, usize) -> F) -> [u64; 2]
where
    T: Send + 'static,
    M: Future<Output = Vec<T>>,
    F: Future<Output = T> + Send + 'static,
{
    let first = load(make(CALLS).await, ask).await;
    let before = resident_bytes(None);
    let talks = load(make(SESSIONS).await, ask).await;
    let open = resident_bytes(None).saturating_sub(before);
    drop((first, talks));
    [open, resident_bytes(None).saturating_sub(before)]
}

/// The bare client sends what the engine does, byte for byte.
async fn same_requests(ours: &Ours, main: &Branch, address: SocketAddr) {
    let view = main.view().await.expect("it can be read");
    let messages = view.messages().map(Arc::clone).collect();
    let request = ModelRequest::new(messages, view.config().clone());
    let ours = ours.provider.render(&request).expect("it can be rendered");
    let mut bare = bare_talks(address, 1).pop().expect("there are some");
    for message in view.messages() {
        let role = if message.text().starts_with("Question") { "user" } else { "assistant" };
        bare.say(role, &message.text());
    }
    assert_eq!(bare.request(), ours.body.to_string());
}
