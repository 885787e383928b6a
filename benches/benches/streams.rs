//! Many streamed answers at once: CPU of the provider, beside a bare HTTP client that makes the same calls
//! and reads the same answers into a type of its own.
//!
//! The server is a process of its own, so that only the client's CPU counts, user and system; both clients
//! have the same runtime and keep their connections. They take turns within one run, each first as often as
//! the other, and a ratio is that of neighbours.

use std::{env, net::SocketAddr, sync::Arc, time::Duration};

use branchwork::{
    core::{
        config::Config,
        message::{Body, Draft},
        provider::{ModelRequest, Provider as _, ProviderEvent},
    },
    providers::{HttpOptions, HttpProvider, Secret},
};
use branchwork_benches::{
    bare::Answer,
    measure::{Stopwatch, median_number, process_cpu},
    report,
    server::{self, Process},
};
use futures_util::StreamExt as _;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

/// Answers at once.
const STREAMS: usize = 200;
/// Pieces of text in one answer.
const PIECES: usize = 200;
/// How often each client is measured.
const ROUNDS: usize = 24;
/// What is asked of the CPU.
const ASKED: f64 = 1.25;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bare,
    /// The provider, without a key: nothing is taken out of what comes.
    Ours,
    /// The provider with a key, which is looked for in every piece.
    Keyed,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Bare, Self::Ours, Self::Keyed];

    const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare client",
            Self::Ours => "provider",
            Self::Keyed => "provider with a key",
        }
    }
}

fn main() {
    // The bare client is built without a choice of cryptography; it speaks plain HTTP.
    drop(rustls::crypto::ring::default_provider().install_default());
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [server::ARGUMENT] => server::be_process(PIECES),
        // One of them alone, for a profiler.
        ["alone", name] => {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == *name);
            let server = Process::start();
            let clients = Clients::new(server.address());
            for _ in 0..ROUNDS {
                clients.measure(kind.expect("it is one of them"));
            }
        }
        _ => compare(&Process::start()),
    }
}

fn compare(server: &Process) {
    let clients = Clients::new(server.address());
    let mut costs: [Vec<Cost>; 3] = Default::default();
    // The first rounds warm up and open the connections.
    for round in 0..ROUNDS + Kind::ALL.len() {
        let mut turns: Vec<_> = Kind::ALL.into_iter().zip(&mut costs).collect();
        turns.rotate_left(round % Kind::ALL.len());
        for (kind, costs) in turns {
            let cost = clients.measure(kind);
            costs.extend((round >= Kind::ALL.len()).then_some(cost));
        }
    }
    let what = format!("{STREAMS} streams of {PIECES} pieces at once");
    report::head(&[&what, "CPU", "a piece", "of bare", "time", "of bare"]);
    for (kind, own) in Kind::ALL.into_iter().zip(&costs) {
        let median = |of: fn(&Cost) -> f64| median_number(own.iter().map(of).collect());
        let of_bare = |of: fn(&Cost) -> f64| {
            let ratios = own.iter().zip(&costs[0]).map(|(own, bare)| of(own) / of(bare));
            format!("{:.2} ×", median_number(ratios.collect()))
        };
        let cpu = median(Cost::cpu);
        report::row(&[
            &kind.name(),
            &format!("{:.1} ms", cpu * 1e3),
            &format!("{:.2} µs", cpu * 1e6 / pieces()),
            &of_bare(Cost::cpu),
            &format!("{:.1} ms", median(Cost::time) * 1e3),
            &of_bare(Cost::time),
        ]);
    }
    report::line(&format!("\nAsked: {ASKED} × of the CPU at most."));
}

fn pieces() -> f64 {
    f64::from(u32::try_from(STREAMS * PIECES).expect("there are few"))
}

/// What all the answers cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cpu: Duration,
    time: Duration,
}

impl Cost {
    const fn cpu(&self) -> f64 {
        self.cpu.as_secs_f64()
    }

    const fn time(&self) -> f64 {
        self.time.as_secs_f64()
    }
}

/// The clients, each with a runtime of its own, so that none does work for another.
struct Clients {
    runtimes: [Runtime; 3],
    bare: reqwest::Client,
    url: Arc<str>,
    ours: [Arc<HttpProvider>; 2],
    request: Arc<ModelRequest>,
}

impl Clients {
    fn new(address: SocketAddr) -> Self {
        let bare = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
        let options = HttpOptions::chat(&format!("http://{address}/v1")).expect("a base URL");
        let keyed = options.clone().with_key(Secret::new(KEY));
        let ours = [options, keyed]
            .map(|options| Arc::new(HttpProvider::new(options).expect("a client can be made")));
        let url = format!("http://{address}/v1/chat/completions").into();
        let runtimes = [runtime(), runtime(), runtime()];
        Self { runtimes, bare, url, ours, request: Arc::new(request()) }
    }

    /// What it costs to hear all answers.
    fn measure(&self, kind: Kind) -> Cost {
        let (before, watch) = (process_cpu(), Stopwatch::start());
        let [bare_runtime, own_runtime, keyed_runtime] = &self.runtimes;
        let [own, keyed] = &self.ours;
        let hear =
            |provider: &Arc<HttpProvider>| ours(Arc::clone(provider), Arc::clone(&self.request));
        match kind {
            Kind::Bare => {
                bare_runtime.block_on(all(|| bare(self.bare.clone(), Arc::clone(&self.url))));
            }
            Kind::Ours => own_runtime.block_on(all(|| hear(own))),
            Kind::Keyed => keyed_runtime.block_on(all(|| hear(keyed))),
        }
        Cost { cpu: process_cpu().saturating_sub(before), time: watch.elapsed() }
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Hears as many answers at once as there are.
async fn all<F>(ask: impl Fn() -> F)
where
    F: Future<Output = String> + Send + 'static,
{
    let mut answers = JoinSet::new();
    for _ in 0..STREAMS {
        answers.spawn(ask());
    }
    for answer in answers.join_all().await {
        assert!(answer.ends_with("word199"), "the answer is whole");
    }
}

/// As long as keys are.
const KEY: &str = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

const REQUEST: &str = r#"{"model":"tiny","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Say something long."}]}"#;

fn request() -> ModelRequest {
    let message = Draft::new(Body::instruction("Say something long.")).preview();
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    ModelRequest::new(vec![Arc::new(message)], config)
}

/// The least that a client of the protocol does: split lines, parse each piece, keep the text.
async fn bare(client: reqwest::Client, url: Arc<str>) -> String {
    let request = client.post(&*url).header("content-type", "application/json").bearer_auth(KEY);
    let mut response = request.body(REQUEST).send().await.expect("the server answers");
    let mut answer = Answer::default();
    while let Some(bytes) = response.chunk().await.expect("the answer comes") {
        answer.push(&bytes);
    }
    answer.text
}

async fn ours(provider: Arc<HttpProvider>, request: Arc<ModelRequest>) -> String {
    let mut events = provider.call(&request).await.expect("the server answers");
    let mut text = String::new();
    while let Some(event) = events.next().await {
        if let ProviderEvent::Text(piece) = event.expect("the answer comes") {
            text.push_str(&piece);
        }
    }
    text
}
