//! Commits that wait at the same time share one transaction.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll, Waker},
};

use branchwork_core::store::{Commit, Conflict, Store as _, StoreError};
use branchwork_store_sqlite::SqliteStore;
use branchwork_testkit::bench::{Bench, Line, conflict};
use futures_util::future::join_all;
use rusqlite::Connection;

use crate::support::Place;

/// Lets `commits` wait for the writer all at once, and answers what came of each.
async fn commit_at_once(
    db: &Connection,
    store: &SqliteStore,
    commits: Vec<Commit>,
) -> Vec<Result<(), StoreError>> {
    db.execute_batch("BEGIN IMMEDIATE").expect("the file is locked");
    let mut all = pin!(join_all(commits.into_iter().map(|commit| store.commit(commit))));
    // Each is sent by its first poll.
    let is_ready = poll_fn(|ctx| Poll::Ready(all.as_mut().poll(ctx).is_ready())).await;
    assert!(!is_ready);
    db.execute_batch("COMMIT").expect("the file is let go");
    all.await
}

async fn lines(bench: &Bench, count: usize) -> Vec<Line> {
    let mut lines = Vec::with_capacity(count);
    for _ in 0..count {
        lines.push(bench.start().await);
    }
    lines
}

#[tokio::test]
async fn waiting_commits_share_a_transaction() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let lines = lines(&bench, 64).await;
    let before = store.transactions();
    let commits = lines.iter().map(|line| bench.saying(line, &["hello"]).0).collect();
    let results = commit_at_once(&place.sql(), &store, commits).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    // The first may have been on its way alone, the others not.
    assert!(store.transactions() - before <= 2, "{}", store.transactions() - before);
    for line in &lines {
        assert_eq!(bench.texts(line).await, ["hello"]);
    }
}

#[tokio::test]
async fn a_refused_commit_does_not_spoil_those_it_shares_a_transaction_with() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let lines = lines(&bench, 8).await;
    let line = lines.first().expect("there are some");
    let (first, after) = bench.saying(line, &["first"]);
    let (second, _) = bench.saying(&after, &["second"]);
    let (loser, _) = bench.saying(line, &["loser"]);
    let (taken, ..) = bench.creation(Some("name"));
    let (again, ..) = bench.creation(Some("name"));
    let others = lines.iter().skip(1).map(|line| bench.saying(line, &["other"]).0);
    let mut commits = vec![first, loser, second, taken, again];
    commits.extend(others);
    let mut results = commit_at_once(&place.sql(), &store, commits).await;
    let name = Conflict::SessionNameTaken { name: "name".to_owned() };
    assert_eq!(conflict(results.remove(4)), name);
    let moved = Conflict::HeadMoved { branch: line.branch, actual: after.head() };
    assert_eq!(conflict(results.remove(1)), moved);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(bench.texts(line).await, ["first", "second"]);
    bench.verify().await;
}

#[tokio::test]
async fn a_commit_whose_future_is_dropped_is_there_whole_or_not_at_all() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let line = bench.start().await;
    let (commit, after) = bench.saying(&line, &["one", "two"]);
    {
        let mut future = pin!(store.commit(commit.clone()));
        let mut ctx = Context::from_waker(Waker::noop());
        drop(future.as_mut().poll(&mut ctx));
    }
    // It was sent, so it comes before what is sent now; saying it again does no harm.
    bench.write(commit).await;
    assert_eq!(bench.texts(&after).await, ["one", "two"]);
    assert_eq!(bench.branch(&after).await.revision, 3);
}

#[tokio::test]
async fn what_was_sent_before_the_end_is_written() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let lines = lines(&bench, 16).await;
    let commits: Vec<_> = lines.iter().map(|line| bench.saying(line, &["last words"]).0).collect();
    let mut all = pin!(join_all(commits.into_iter().map(|commit| store.commit(commit))));
    let mut ctx = Context::from_waker(Waker::noop());
    drop(all.as_mut().poll(&mut ctx));
    store.close().await.expect("it closes");
    let results = all.await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let store = place.open();
    for line in &lines {
        assert_eq!(store.branch(line.branch).await.expect("it is there").messages, 1);
    }
}
