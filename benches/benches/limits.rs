//! What wrappers cost where they have nothing to do, around a provider that answers at once.

use std::{sync::Arc, time::Duration};

use branchwork::{
    core::{
        config::Config,
        message::{Body, Draft},
        provider::{ModelRequest, Provider},
    },
    providers::wrap::{
        Breaker, Cache, CacheOptions, Circuit, Limiter, Limits, RateLimit, Retry, RetryOptions,
        Stack, TimeoutOptions, Timeouts,
    },
};
use branchwork_benches::{
    at_once::AtOnce,
    measure::{median, on_a_thread, thread_cpu, timed},
    report::{self, micros},
};
use futures_util::StreamExt as _;
use tokio::{runtime::Builder, task::JoinSet};

/// Tasks that share a limiter, and calls of each.
const TASKS: usize = 1_000;
const CALLS: usize = 100;

/// Calls of one user, so many that the kernel counts them well.
const ALONE: usize = 100_000;

/// Pieces of text in a long answer.
const PIECES: usize = 200;

/// Rounds, in each of which all are measured one after the other.
const ROUNDS: usize = 9;

/// A question behind nine more messages.
fn request() -> ModelRequest {
    let said = Draft::new(Body::instruction("Where is it warm, and how do I get there?"));
    let messages = std::iter::repeat_with(|| Arc::new(said.preview())).take(10).collect();
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    ModelRequest::new(messages, config)
}

/// Limits that nobody reaches.
fn limiter() -> Limiter {
    let many = 1_000_000_000_000;
    let limits = Limits::new()
        .with_requests_per_minute(many)
        .with_input_tokens_per_minute(many)
        .with_output_tokens_per_minute(many)
        .with_tokens_per_minute(many)
        .with_concurrency(10 * TASKS);
    Limiter::new(limits).expect("none is 0")
}

fn times() -> TimeoutOptions {
    let minute = Duration::from_mins(1);
    TimeoutOptions::new().with_first_token(minute).with_between_tokens(minute).with_total(minute)
}

/// A provider under each wrapper. The cache keeps nothing, so that each call is one that is not known.
fn wrapped(pieces: usize) -> Vec<(&'static str, Arc<dyn Provider>)> {
    let inner = || Arc::new(AtOnce { pieces }) as Arc<dyn Provider>;
    let nothing = CacheOptions::new().with_entries_max(0);
    let all = Stack::over(inner())
        .with_retry(RetryOptions::new())
        .with_limiter(limiter())
        .with_timeouts(times())
        .with_circuit(Circuit::default())
        .with_cache(nothing)
        .with_fallback(inner(), None);
    vec![
        ("nothing", inner()),
        ("`Retry`", Arc::new(Retry::new(inner(), RetryOptions::new()))),
        ("`RateLimit`", Arc::new(RateLimit::new(inner(), limiter()))),
        ("`Timeouts`", Arc::new(Timeouts::new(inner(), times()))),
        ("`Breaker`", Arc::new(Breaker::new(inner(), Circuit::default()))),
        ("`Cache`, of what is not known", Arc::new(Cache::new(inner(), nothing))),
        ("`Stack` of all, with a fallback", all.build()),
    ]
}

async fn call(provider: &dyn Provider, request: &ModelRequest) {
    let mut events = provider.call(request).await.expect("it answers");
    while let Some(event) = events.next().await {
        event.expect("it answers");
    }
}

async fn calls(provider: &dyn Provider, request: &ModelRequest, count: usize) {
    for _ in 0..count {
        call(provider, request).await;
        tokio::task::yield_now().await;
    }
}

/// CPU of one call, by one user, under each wrapper.
fn alone(pieces: usize, count: usize) -> Vec<Duration> {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let request = request();
    let cost = |(_, provider): (&'static str, Arc<dyn Provider>)| {
        // A tenth warms up.
        runtime.block_on(calls(&*provider, &request, count.div_ceil(10)));
        let before = thread_cpu();
        runtime.block_on(calls(&*provider, &request, count));
        let spent = thread_cpu().saturating_sub(before);
        spent / u32::try_from(count).expect("there are few")
    };
    wrapped(pieces).into_iter().map(cost).collect()
}

/// Time of one call, when many tasks share a provider on two threads.
fn shared(provider: &Arc<dyn Provider>) -> Duration {
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime");
    let request = Arc::new(request());
    let work = async {
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let (provider, request) = (Arc::clone(provider), Arc::clone(&request));
            tasks.spawn(async move { calls(&*provider, &request, CALLS).await });
        }
        tasks.join_all().await
    };
    let (_, time) = timed(|| runtime.block_on(work));
    // On two threads, each call takes twice its share of the time.
    2 * time / u32::try_from(TASKS * CALLS).expect("there are few")
}

fn main() {
    shared_by_many();
    for (pieces, count) in [(1, ALONE), (PIECES, ALONE / 20)] {
        report::line("");
        around(pieces, count);
    }
}

fn shared_by_many() {
    let bare = || Arc::new(AtOnce { pieces: 1 }) as Arc<dyn Provider>;
    let mut times: [Vec<Duration>; 2] = Default::default();
    for _ in 0..ROUNDS {
        times[0].push(shared(&bare()));
        times[1].push(shared(&(Arc::new(RateLimit::new(bare(), limiter())) as _)));
    }
    let [bare, limited] = times.map(|times| micros(median(times)));
    report::head(&[&format!("a call, by {TASKS} tasks on two threads"), "time", "more"]);
    report::row(&[&"nothing around it", &format!("{bare:.2} µs"), &""]);
    let more = format!("{:.2} µs", limited - bare);
    report::row(&[&"one limiter, all limits far", &format!("{limited:.2} µs"), &more]);
}

/// What each wrapper takes of the CPU, around answers of so many pieces.
fn around(pieces: usize, count: usize) {
    let mut costs: Vec<(&'static str, Vec<Duration>)> =
        wrapped(pieces).into_iter().map(|(what, _)| (what, Vec::new())).collect();
    for _ in 0..ROUNDS {
        let round = on_a_thread(move || alone(pieces, count));
        costs.iter_mut().zip(round).for_each(|((_, costs), cost)| costs.push(cost));
    }
    report::head(&[&format!("around a call of {pieces} pieces"), "CPU", "more"]);
    let mut bare = None;
    for (what, costs) in costs {
        let cost = micros(median(costs));
        let more = format!("{:.2} µs", cost - *bare.get_or_insert(cost));
        report::row(&[&what, &format!("{cost:.2} µs"), &more]);
    }
}
