//! A streamed turn beside a bare HTTP client that makes the same call and reads the same answer.
//!
//! Both run on a thread of their own, in turns, against one server; only their own CPU counts.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use branchwork::{
    Branch, Engine, TurnEvent,
    providers::{HttpOptions, HttpProvider},
};
use branchwork_benches::{
    bare::Answer,
    measure::{Stopwatch, median, on_a_thread, thread_cpu},
    report::{self, micros},
    server,
};
use futures_util::StreamExt as _;
use tokio::runtime::{Builder, Runtime};

/// Turns in one round, and rounds.
const TURNS: usize = 40;
const ROUNDS: usize = 25;

/// Pieces of text in one answer.
const PIECES: usize = 200;

/// What one turn cost: CPU of the thread, time to the first piece of text.
type Cost = (Duration, Duration);

fn main() {
    // The bare client is built without a choice of cryptography; it speaks plain HTTP.
    drop(rustls::crypto::ring::default_provider().install_default());
    let address = server::start(PIECES);
    let folder = tempfile::tempdir().expect("a folder");
    let mut costs: [Vec<Cost>; 3] = Default::default();
    for round in 0..ROUNDS {
        costs[0].push(on_a_thread(move || bare(address)));
        costs[1].push(on_a_thread(move || ours(address, &Engine::in_memory())));
        let path = folder.path().join(format!("{round}.db"));
        costs[2].push(on_a_thread(move || ours(address, &Engine::open(path).expect("a file"))));
    }
    let what = format!("a streamed turn of {PIECES} pieces");
    report::head(&[&what, "CPU", "ratio", "first text", "more"]);
    let medians = costs.map(|costs| {
        let (cpu, first): (Vec<_>, Vec<_>) = costs.into_iter().unzip();
        (micros(median(cpu)), micros(median(first)))
    });
    let (bare_cpu, bare_first) = medians[0];
    for (what, (cpu, first)) in ["bare client", "in memory", "durable"].iter().zip(medians) {
        let ratio = format!("{:.2} ×", cpu / bare_cpu);
        let micros = |value: f64| format!("{value:.0} µs");
        report::row(&[what, &micros(cpu), &ratio, &micros(first), &micros(first - bare_first)]);
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

/// Runs `turn` for each of `inputs`; the first tenth warms up. `turn` answers the time to the first
/// piece of text.
fn measure<T>(inputs: &[T], turn: &impl AsyncFn(&T) -> Duration) -> Cost {
    let runtime = runtime();
    let warm = inputs.len() / 10;
    let (mut firsts, mut before) = (Vec::new(), thread_cpu());
    for (index, input) in inputs.iter().enumerate() {
        let first = runtime.block_on(turn(input));
        if index < warm {
            before = thread_cpu();
        } else {
            firsts.push(first);
        }
    }
    let measured = u32::try_from(firsts.len()).expect("there are few");
    (thread_cpu().saturating_sub(before) / measured, median(firsts))
}

const REQUEST: &str = r#"{"model":"tiny","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Say something long."}]}"#;

/// The least that a client of the protocol does: split lines, parse each piece, keep the text.
fn bare(address: SocketAddr) -> Cost {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let url = format!("http://{address}/v1/chat/completions");
    measure(&[(); TURNS], &async |()| {
        let watch = Stopwatch::start();
        let request = client.post(&url).header("content-type", "application/json").body(REQUEST);
        let mut stream = request.send().await.expect("the server answers").bytes_stream();
        let (mut answer, mut first) = (Answer::default(), None);
        while let Some(bytes) = stream.next().await {
            answer.push(&bytes.expect("the answer comes"));
            if first.is_none() && !answer.text.is_empty() {
                first = Some(watch.elapsed());
            }
        }
        assert!(answer.text.ends_with("word199"));
        first.expect("there was text")
    })
}

/// The same through the engine, each turn on a branch of its own, so that requests stay alike.
fn ours(address: SocketAddr, engine: &Engine) -> Cost {
    let options = HttpOptions::chat(&format!("http://{address}/v1")).expect("it is a base URL");
    let provider = Arc::new(HttpProvider::new(options).expect("a client can be made"));
    let branches = runtime().block_on(async {
        let session = engine.session("bench").provider("local", provider).model("tiny");
        let main = session.create().await.expect("a session can be made").default_branch();
        let mut branches = Vec::new();
        for number in 0..TURNS {
            branches.push(main.fork(format!("b{number}")).await.expect("it can be forked"));
        }
        branches
    });
    measure(&branches, &async |branch: &Branch| {
        let watch = Stopwatch::start();
        let mut stream = branch.chat("Say something long.").stream();
        let (mut text, mut first) = (String::new(), None);
        while let Some(event) = stream.next().await {
            if let TurnEvent::Text(piece) = event.expect("the answer comes") {
                first.get_or_insert_with(|| watch.elapsed());
                text.push_str(&piece);
            }
        }
        assert!(text.ends_with("word199"));
        first.expect("there was text")
    })
}
