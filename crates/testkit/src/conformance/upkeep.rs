//! Upkeep: collecting, counting, checking, closing.

use std::sync::Arc;

use branchwork_core::store::{
    Cause, Change, GcReport, Store, StoreError, StoreStats, VerifyReport,
};

use crate::bench::{Bench, Line, check_not_found};

async fn delete(bench: &Bench, line: &Line) {
    let change = Change::DeleteBranch { branch: line.branch, heir: None };
    bench.write(bench.commit(line.session).with_change(change)).await;
}

async fn collect(bench: &Bench) -> GcReport {
    bench.store.gc().await.expect("the store is collected")
}

async fn count_ops(bench: &Bench) -> u64 {
    bench.store.stats().await.expect("they are counted").ops
}

/// A deleted branch and a deleted session go, with what only they reached.
pub async fn gc_takes_what_nothing_reaches_and_keeps_the_rest(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start_named(Some("kept")).await;
    bench.say(&mut main, &["one", "two"]).await;
    let mut fork = bench.fork(&main, "fork", main.head()).await;
    bench.say(&mut fork, &["three", &"large ".repeat(10_000)]).await;
    let mut gone = bench.start_named(Some("gone")).await;
    bench.say(&mut gone, &["four", &"other ".repeat(10_000)]).await;
    bench.fork(&gone, "fork", gone.head()).await;
    delete(&bench, &fork).await;
    bench.write(bench.commit(gone.session).with_change(Change::DeleteSession)).await;
    let before = (bench.store.sessions().await.expect("one"), bench.texts(&main).await);
    let report = collect(&bench).await;
    assert_eq!((report.sessions, report.branches, report.ops), (1, 3, 4));
    assert_eq!(bench.store.stats().await.expect("they are counted").blobs, 0);
    assert_eq!(count_ops(&bench).await, 2);
    assert_eq!((bench.store.sessions().await.expect("one"), bench.texts(&main).await), before);
    check_not_found(bench.store.branch(fork.branch).await);
    check_not_found(bench.store.session(gone.session).await);
    bench.verify().await;
    // Names and places are free, and everything goes on.
    bench.start_named(Some("gone")).await;
    let mut fork = bench.fork(&main, "fork", main.head()).await;
    bench.say(&mut main, &["three"]).await;
    bench.say(&mut fork, &["other three"]).await;
    assert_eq!(bench.texts(&main).await, ["one", "two", "three"]);
    assert_eq!(bench.texts(&fork).await, ["one", "two", "other three"]);
    bench.verify().await;
}

/// What a branch left behind can be restored as long as the branch is there.
pub async fn gc_keeps_what_a_reflog_reaches(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", "two", "three"]).await;
    let left = line.head();
    bench.go(&mut line, None, Cause::Rewind).await;
    bench.say(&mut line, &["anew"]).await;
    // A head may also have been at an op of another branch, which is gone now.
    let mut other = bench.fork(&line, "other", None).await;
    bench.say(&mut other, &["theirs", "not reached"]).await;
    let theirs = other.view.lineage().op_at(1);
    let mut visitor = line.clone();
    bench.go(&mut visitor, theirs, Cause::Restore).await;
    bench.go(&mut visitor, line.head(), Cause::Restore).await;
    delete(&bench, &other).await;
    let reflog = bench.store.reflog(line.branch, u64::MAX, 99).await.expect("it is read");
    assert_eq!(collect(&bench).await.ops, 1);
    assert_eq!(bench.store.reflog(line.branch, u64::MAX, 99).await.expect("it is read"), reflog);
    for head in [theirs, left] {
        bench.go(&mut visitor, head, Cause::Restore).await;
    }
    assert_eq!(bench.texts(&line).await, ["one", "two", "three"]);
    bench.verify().await;
}

/// A stretch is cut behind the last place that something reaches.
pub async fn gc_keeps_what_a_fork_of_a_deleted_branch_needs(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let main = bench.start().await;
    let mut middle = bench.fork(&main, "middle", None).await;
    bench.say(&mut middle, &["one", "two", "three", "four"]).await;
    let mut leaf = bench.fork(&middle, "leaf", middle.view.lineage().op_at(2)).await;
    bench.say(&mut leaf, &["leaf"]).await;
    let updated = bench.store.session(main.session).await.expect("it exists").updated;
    delete(&bench, &middle).await;
    let deleted = bench.store.session(main.session).await.expect("it exists").updated;
    assert!(deleted > updated);
    assert_eq!(collect(&bench).await, GcReport { branches: 1, ops: 2, ..GcReport::default() });
    assert_eq!(bench.texts(&leaf).await, ["one", "two", "leaf"]);
    assert_eq!(bench.branch(&leaf).await.forked_from, Some(middle.branch));
    assert_eq!(bench.store.session(main.session).await.expect("it exists").updated, deleted);
    bench.verify().await;
    delete(&bench, &leaf).await;
    assert_eq!(collect(&bench).await, GcReport { branches: 1, ops: 3, ..GcReport::default() });
    assert_eq!(count_ops(&bench).await, 0);
    bench.verify().await;
}

/// Collecting twice takes nothing the second time.
pub async fn gc_of_a_clean_store_takes_nothing(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    assert_eq!(collect(&bench).await, GcReport::default());
    let mut main = bench.start().await;
    bench.say(&mut main, &["one", "two"]).await;
    bench.go(&mut main, None, Cause::Rewind).await;
    assert_eq!(collect(&bench).await, GcReport::default());
    assert_eq!(count_ops(&bench).await, 2);
}

/// Deleted things are not counted, except for their ops until they are collected.
pub async fn stats_count_what_is_stored(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let counts = async || {
        let StoreStats { sessions, branches, ops, .. } =
            bench.store.stats().await.expect("they are counted");
        (sessions, branches, ops)
    };
    assert_eq!(counts().await, (0, 0, 0));
    let mut main = bench.start().await;
    bench.say(&mut main, &["one", "two"]).await;
    let mut fork = bench.fork(&main, "fork", main.head()).await;
    bench.say(&mut fork, &["three"]).await;
    let other = bench.start().await;
    assert_eq!(counts().await, (2, 3, 3));
    delete(&bench, &fork).await;
    bench.write(bench.commit(other.session).with_change(Change::DeleteSession)).await;
    let archive = Change::ArchiveSession { archived: true };
    bench.write(bench.commit(main.session).with_change(archive)).await;
    assert_eq!(counts().await, (1, 1, 3));
    collect(&bench).await;
    assert_eq!(counts().await, (1, 1, 2));
}

/// Verifying reads every op, also of branches that went back, and of deleted ones.
pub async fn a_healthy_store_has_no_problems(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    assert_eq!(bench.store.verify().await.expect("it is verified"), VerifyReport::default());
    let mut main = bench.start().await;
    bench.say(&mut main, &["one", "two", &"large ".repeat(10_000)]).await;
    bench.go(&mut main, None, Cause::Rewind).await;
    let mut fork = bench.fork(&main, "fork", None).await;
    bench.say(&mut fork, &["three"]).await;
    delete(&bench, &fork).await;
    let other = bench.start().await;
    bench.write(bench.commit(other.session).with_change(Change::DeleteSession)).await;
    let report = bench.store.verify().await.expect("it is verified");
    assert_eq!(report, VerifyReport { ops: 4, problems: Vec::new() });
}

/// What comes after the end is refused; ending twice is fine.
pub async fn a_closed_store_refuses_everything(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one"]).await;
    bench.store.close().await.expect("it closes");
    bench.store.close().await.expect("it is closed");
    let (commit, _) = bench.saying(&line, &["two"]);
    for error in [
        bench.store.commit(commit).await.err(),
        bench.store.session(line.session).await.err(),
        bench.store.sessions().await.err(),
        bench.store.verify().await.err(),
        bench.store.gc().await.err(),
    ] {
        assert!(matches!(error, Some(StoreError::Unavailable { .. })), "{error:?}");
    }
}
