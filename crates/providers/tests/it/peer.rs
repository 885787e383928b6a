//! Wrapped providers against a peer of another make, which misbehaves as it is told and grades its clients.
//!
//! Times are real here, and short. The peer thinks ill of a client that comes again too early, too often or
//! without need, that takes half an answer for a whole one, or that waits for ever; that it would say so of a
//! bad client is a test, too.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use branchwork_core::provider::{ModelRequest, Provider, ProviderError, ProviderEvent};
use branchwork_providers::{
    HttpOptions, HttpProvider, Secret,
    wrap::{Circuit, Jitter, Limiter, Limits, Retry, RetryOptions, Stack, TimeoutOptions},
};
use branchwork_testkit::{Peer, Verdict};
use futures_util::{StreamExt as _, future::join_all};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use super::listener::request as where_to;

/// Requests that the peer lets a key make in a minute.
const RPM: u64 = 60;

/// The peer, for one test at a time: it grades all that came since it was reset.
async fn peer() -> (MutexGuard<'static, ()>, &'static Peer) {
    static PEER: OnceLock<Peer> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let peer = PEER.get_or_init(|| Peer::start(&["--port", "0", "--rpm", &RPM.to_string()]));
    peer.reset().await;
    (turn, peer)
}

/// A client that nothing is wrapped around.
fn bare(peer: &Peer) -> Arc<dyn Provider> {
    let options = HttpOptions::chat(peer.url()).expect("the address is good");
    let options = options.with_key(Secret::new("sk-test"));
    Arc::new(HttpProvider::new(options).expect("the options are good"))
}

/// Tries that soon follow each other. A later wait may be the shorter one, which the peer takes for no
/// growth at all: with this seed they grow.
fn retry() -> RetryOptions {
    RetryOptions::new()
        .with_wait_first(Duration::from_millis(200))
        .with_jitter(Jitter::seeded(2))
        .after_first_token(true)
}

fn limiter(limits: Limits) -> Limiter {
    Limiter::new(limits).expect("nothing is 0")
}

/// A client with all that makes it robust.
fn robust(peer: &Peer) -> Arc<dyn Provider> {
    impatient(peer, Duration::from_secs(10))
}

/// One that waits for the first token, and for each next one, for so long only.
fn impatient(peer: &Peer, patience: Duration) -> Arc<dyn Provider> {
    Stack::over(bare(peer))
        .with_retry(retry())
        .with_circuit(Circuit::default())
        .with_limiter(limiter(Limits::new().with_concurrency(8)))
        .with_timeouts(
            TimeoutOptions::new().with_first_token(patience).with_between_tokens(patience),
        )
        .build()
}

fn request(text: &str) -> ModelRequest {
    let mut request = where_to();
    request.config.model = Some("gpt-4o".to_owned());
    // Tells one call from another, as the peer knows them by their bytes.
    request.config.stop = Some(vec![text.to_owned()]);
    request
}

/// The text of an answer, and how often it was made anew.
async fn ask(
    client: &dyn Provider,
    request: &ModelRequest,
) -> Result<(String, u32), ProviderError> {
    let mut events = client.call(request).await?;
    let (mut text, mut retries, mut is_whole) = (String::new(), 0, false);
    while let Some(event) = events.next().await {
        match event? {
            ProviderEvent::Text(more) => text.push_str(&more),
            ProviderEvent::Retried(retried) => {
                (text, retries) = (String::new(), retried.retries);
            }
            ProviderEvent::Finished(_) => is_whole = true,
            _ => {}
        }
    }
    assert!(is_whole && !text.is_empty(), "an answer that is no error is whole: {text:?}");
    Ok((text, retries))
}

/// What the peer thinks of a robust client that makes one call, and how often that was made anew. It behaves
/// badly at first, and then as it should.
async fn graded(behaviors: Value) -> (Verdict, u32) {
    let (_turn, peer) = peer().await;
    peer.behave(behaviors).await;
    let (_, retries) = ask(&*robust(peer), &request("one")).await.expect("it is answered");
    (peer.verdict().await, retries)
}

/// The verdict on a good client that made so many calls.
fn good(calls: u64, attempts: u64, faults: u64) -> Verdict {
    Verdict { calls, attempts, faults, findings: Vec::new() }
}

fn breaks(kind: &str, after_chunks: u64) -> Value {
    json!([{ "type": "stream_fault", "kind": kind, "after_chunks": after_chunks, "times": 2 }])
}

#[tokio::test]
async fn a_limit_of_the_rate_is_waited_out() {
    let limited = json!([{ "type": "fail", "status": 429, "retry_after": 0.4, "times": 3 }]);
    assert_eq!(graded(limited).await, (good(1, 4, 3), 3));
}

#[tokio::test]
async fn a_storm_of_refusals_is_waited_out_by_all_together() {
    let (_turn, peer) = peer().await;
    let limited = json!([{ "type": "fail", "status": 429, "retry_after": 0.5, "times": 12 }]);
    peer.behave(limited).await;
    let client = robust(peer);
    let answers = ask_at_once(&*client, 12).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(peer.verdict().await, good(12, 24, 12));
}

#[tokio::test]
async fn a_server_that_fails_is_asked_again_later_and_later() {
    let failing = json!([
        { "type": "fail", "status": 500, "times": 2 },
        { "type": "fail", "status": 503, "retry_after": 0.3 },
        { "type": "fail", "status": 529, "retry_after": 0.1 },
    ]);
    assert_eq!(graded(failing).await, (good(1, 5, 4), 4));
}

#[tokio::test]
async fn a_server_that_stays_down_is_given_up() {
    let (_turn, peer) = peer().await;
    peer.behave(json!([{ "type": "fail", "status": 502, "times": null }])).await;
    let error = ask(&*robust(peer), &request("one")).await.expect_err("it stays down");
    assert!(matches!(error, ProviderError::Unavailable { status: Some(502), .. }), "{error:?}");
    assert_eq!(peer.verdict().await, good(1, 5, 5));
}

#[tokio::test]
async fn a_refusal_is_not_asked_again() {
    for status in [400, 401, 403, 404, 422] {
        let (_turn, peer) = peer().await;
        peer.behave(json!([{ "type": "fail", "status": status }])).await;
        let error = ask(&*robust(peer), &request("one")).await.expect_err("it is refused");
        assert!(!error.is_retryable(), "{error:?}");
        assert_eq!(peer.verdict().await, good(1, 1, 1), "{status}");
    }
}

#[tokio::test]
async fn a_server_that_goes_silent_is_hung_up_on() {
    let stall = |after_chunks| {
        json!({ "type": "stream_fault", "kind": "stall", "after_chunks": after_chunks,
                "stall_seconds": 30 })
    };
    // After it has said something, after it has begun, and before.
    for silent in [stall(3), stall(1), json!({ "type": "slow_first_token", "seconds": 30 })] {
        let (_turn, peer) = peer().await;
        peer.behave(json!([silent])).await;
        let client = impatient(peer, Duration::from_millis(700));
        let (_, retries) = ask(&*client, &request("one")).await.expect("it is answered");
        assert!(retries > 0, "{silent}");
        assert_eq!(peer.verdict().await.findings, [""; 0], "{silent}");
    }
}

#[tokio::test]
async fn an_answer_that_just_ends_is_asked_for_again() {
    for after_chunks in [1, 3] {
        assert_eq!(graded(breaks("truncate", after_chunks)).await, (good(1, 3, 2), 2));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    for after_chunks in [1, 3] {
        assert_eq!(graded(breaks("disconnect", after_chunks)).await, (good(1, 3, 2), 2));
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_asked_for_again() {
    // So long that the peer still sends when it is hung up on: else it cannot know that it was.
    let long = json!({ "type": "reply", "text": "word ".repeat(20_000), "times": 2 });
    for after_chunks in [0, 3] {
        let malformed = breaks("malformed", after_chunks)[0].clone();
        assert_eq!(graded(json!([malformed, long])).await, (good(1, 3, 2), 2));
    }
}

#[tokio::test]
async fn a_quota_is_kept_to() {
    // What is sent at the right distance may arrive a little closer: a few less leave room for that.
    let (_turn, peer) = peer().await;
    let ours = Limits::new().with_requests_per_minute(RPM - 3).with_concurrency(8);
    let client = Stack::over(bare(peer)).with_limiter(limiter(ours)).build();
    let answers = ask_at_once(&*client, RPM + 2).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(peer.verdict().await, good(RPM + 2, RPM + 2, 0));
}

#[tokio::test]
async fn a_client_without_a_limit_runs_into_the_quota() {
    let (_turn, peer) = peer().await;
    let answers = ask_at_once(&*bare(peer), 2 * RPM).await;
    let refused = answers.iter().filter(|answer| answer.is_err()).count();
    assert!(refused > 0);
    assert_eq!(peer.verdict().await.findings, vec!["gave_up"; refused]);
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_waited_for() {
    let (_turn, peer) = peer().await;
    ask_at_once(&*bare(peer), 2 * RPM).await;
    peer.forget().await;
    let client = Retry::new(bare(peer), retry());
    let mut retries = 0;
    for number in 0..3 {
        let asked = request(&format!("another {number}"));
        retries += ask(&client, &asked).await.expect("its time comes").1;
    }
    let verdict = peer.verdict().await;
    assert!(retries > 0, "the quota is used up: {verdict:?}");
    assert_eq!(verdict.findings, [""; 0]);
    // It comes back when it may, and not before.
    assert_eq!(verdict.faults, u64::from(retries));
}

/// Makes so many calls, each with a request of its own.
async fn ask_at_once(
    client: &dyn Provider,
    count: u64,
) -> Vec<Result<(String, u32), ProviderError>> {
    let requests: Vec<_> = (0..count).map(|number| request(&format!("call {number}"))).collect();
    join_all(requests.iter().map(|request| ask(client, request))).await
}

#[tokio::test]
async fn a_bad_client_is_found_out() {
    let storm = json!([{ "type": "fail", "status": 500, "times": 11 }]);
    let stall = json!([{ "type": "stream_fault", "kind": "stall", "stall_seconds": 1.2 }]);
    for (behaviors, tries, findings) in [
        (json!([{ "type": "fail", "status": 429, "retry_after": 2 }]), 2, ["retry_after_ignored"]),
        (json!([{ "type": "fail", "status": 400 }]), 2, ["retried_non_retryable"]),
        (json!([{ "type": "fail", "status": 503 }]), 1, ["gave_up"]),
        (breaks("truncate", 3), 1, ["truncated_stream_accepted"]),
        (breaks("disconnect", 3), 1, ["gave_up"]),
        (breaks("malformed", 3), 1, ["malformed_chunk_ignored"]),
        (json!([{ "type": "fail", "status": 500, "times": 3 }]), 4, ["no_backoff"]),
        (stall, 1, ["no_read_timeout"]),
    ] {
        let (_turn, peer) = peer().await;
        hasty(peer, behaviors, tries).await;
        assert_eq!(peer.verdict().await.findings, findings);
    }
    let (_turn, peer) = peer().await;
    hasty(peer, storm, 12).await;
    assert_eq!(peer.verdict().await.findings, ["retry_storm", "no_backoff"]);
}

/// A client that asks again at once, whatever comes, and then takes what it has.
async fn hasty(peer: &Peer, behaviors: Value, tries: u32) {
    peer.behave(behaviors).await;
    let (client, request) = (bare(peer), request("one"));
    for _ in 0..tries {
        if ask(&*client, &request).await.is_ok() {
            return;
        }
    }
}
