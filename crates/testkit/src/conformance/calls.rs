//! The call log.

use std::{sync::Arc, time::Duration};

use branchwork_core::{
    call::{CallFailure, CallRequest, ModelCall, RequestHash, Timings},
    config::ConfigPatch,
    graph::{Extent, StepWriter},
    id::{MessageId, OpId},
    message::{Body, Draft},
    provider::{Adapted, Rerouted, ToolChoice, ToolSpec, Usage},
    store::{Cause, Change, Commit, HeadMove, Store, StoreError},
};
use serde_json::json;

use crate::bench::{Bench, Line, check_not_found};

/// A call in which everything is said.
fn full(head: Option<OpId>) -> ModelCall {
    let tool = ToolSpec {
        name: "add".to_owned(),
        description: "Adds.".to_owned(),
        parameters: json!({ "type": "object" }),
    };
    ModelCall {
        request: CallRequest {
            head,
            shown: Some(vec![MessageId::from_bits(7 << 32)]),
            results_kept: Some(3),
            provider: "local".to_owned(),
            model: "tiny".to_owned(),
            config: Some(Box::new(ConfigPatch::new().with_seed(7))),
            tools: vec![tool],
            tool_choice: ToolChoice::Named("add".to_owned()),
            stream: true,
            choices: 1,
            hash: RequestHash([0xa5; 32]),
            adapted: Adapted::new(),
        },
        rerouted: Some(Rerouted { provider: "far".to_owned(), model: "large".to_owned() }),
        model: Some("tiny-1".to_owned()),
        finish: Some("stop".to_owned()),
        usage: Some(Usage { input_tokens: Some(0), output_tokens: Some(9), ..Usage::default() }),
        cost_usd: Some(0.25),
        timings: Timings {
            queued: Duration::from_micros(3),
            first: Some(Duration::from_millis(2)),
            total: Duration::from_secs(1),
        },
        retries: 2,
        failure: None,
    }
}

/// A call of which next to nothing is known.
fn bare() -> ModelCall {
    let failure = Some(CallFailure { problem: "down".to_owned(), detail: String::new() });
    let mut call = full(None);
    call.request = CallRequest {
        head: None,
        shown: None,
        config: None,
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        stream: false,
        ..call.request
    };
    let (model, finish, usage, cost_usd, timings) = (None, None, None, None, Timings::default());
    ModelCall { model, finish, usage, cost_usd, timings, retries: 0, failure, ..call }
}

/// A commit that appends an answer to `line` with the call that gave it.
fn answer(bench: &Bench, line: &mut Line, call: ModelCall) -> (Commit, MessageId) {
    let commit = bench.commit(line.session);
    let (from, view) = (line.head(), line.view.clone());
    let mut step = StepWriter::after(view, line.tip, &bench.ids, commit.at);
    let id = step.message(Draft::new(Body::response("so"))).expect("it can follow");
    let (ops, view) = step.finish(Extent::Whole);
    (line.view, line.tip) = (view, Some(id.op()));
    let to = line.head();
    let head = HeadMove { branch: line.branch, from, to, cause: Cause::Append };
    (commit.with_ops(ops, head).with_call(id.op(), call), id)
}

/// What is kept of a call is read back as it was written, once, and with whom it belongs to.
pub async fn calls_are_read_back_as_they_were_written(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    let mut other = bench.start().await;
    bench.say(&mut line, &["q"]).await;
    let call = full(line.head());
    let (commit, first) = answer(&bench, &mut line, call.clone());
    bench.write(commit.clone()).await;
    bench.write(commit).await;
    let (commit, second) = answer(&bench, &mut line, bare());
    bench.write(commit).await;
    let (commit, _) = answer(&bench, &mut other, bare());
    bench.write(commit).await;
    let calls = bench.store.calls(line.session, None, 10).await.expect("they are read");
    let kept: Vec<_> = calls.iter().map(|kept| (kept.answer, &kept.call)).collect();
    assert_eq!(kept, [(first, &call), (second, &bare())]);
    assert!(calls.iter().all(|kept| kept.branch == line.branch && kept.session == line.session));
    bench.verify().await;
}

/// Pages of calls hold each call once, whatever the branches they are of.
pub async fn calls_are_read_in_pages(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    let mut answers = Vec::new();
    for number in 0..7 {
        let (commit, id) = answer(&bench, &mut line, bare());
        bench.write(commit).await;
        answers.push(id);
        if number == 3 {
            line = bench.fork(&line, "fork", line.head()).await;
        }
    }
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = bench.store.calls(line.session, after, 2).await.expect("it is read");
        let Some(last) = page.last() else { break };
        after = Some(last.answer);
        read.extend(page.into_iter().map(|kept| kept.answer));
    }
    read.sort_unstable();
    answers.sort_unstable();
    assert_eq!(read, answers);
    check_not_found(bench.store.calls(bench.session_id(), None, 1).await);
}

/// A log is emptied when it is said, goes with its session, and a call without an answer is none.
pub async fn calls_go_when_it_is_said_or_with_their_session(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    let commit = bench.commit(line.session).with_call(OpId::from_bits(99 << 32), bare());
    let refused = bench.store.commit(commit).await;
    assert!(matches!(refused, Err(StoreError::InvalidCommit { .. })), "{refused:?}");
    let (commit, _) = answer(&bench, &mut line, bare());
    bench.write(commit).await;
    let taken = Change::RenameSession { name: Some("taken".to_owned()) };
    bench.start_named(Some("taken")).await;
    let both = bench.commit(line.session).with_change(Change::ClearCalls).with_change(taken);
    assert!(bench.store.commit(both).await.is_err());
    let count = async || bench.store.calls(line.session, None, 9).await.expect("read").len();
    assert_eq!(count().await, 1, "a refused commit clears nothing");
    bench.write(bench.commit(line.session).with_change(Change::ClearCalls)).await;
    assert_eq!((count().await, bench.texts(&line).await), (0, vec!["so".to_owned()]));
    let (commit, _) = answer(&bench, &mut line, bare());
    bench.write(commit).await;
    bench.write(bench.commit(line.session).with_change(Change::DeleteSession)).await;
    bench.store.gc().await.expect("it is collected");
    bench.verify().await;
}
