//! Conflicts and repeats: what the writer saw must still hold, and saying it twice does no harm.

use std::sync::Arc;

use branchwork_core::{
    id::{OpId, StretchId},
    store::{Cause, Change, Conflict, HeadMove, Store, StoreError},
};
use futures_util::future::join_all;

use crate::bench::{Bench, Line, check_invalid, check_not_found, conflict, head_move, say};

/// The loser is told where the head is, and nothing of it is written.
pub async fn of_two_writers_from_one_place_one_wins(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one"]).await;
    let (winner, after) = bench.saying(&line, &["two"]);
    let (loser, _) = bench.saying(&line, &["other", "more"]);
    bench.write(winner).await;
    let moved = Conflict::HeadMoved { branch: line.branch, actual: after.head() };
    assert_eq!(conflict(bench.store.commit(loser).await), moved);
    assert_eq!(bench.texts(&line).await, ["one", "two"]);
    assert_eq!(bench.branch(&line).await.revision, 3);
    // Other moves lose alike.
    let back = HeadMove { cause: Cause::Rewind, ..head_move(&line, None) };
    let commit = bench.commit(line.session).with_head(back);
    assert_eq!(conflict(bench.store.commit(commit).await), moved);
    bench.verify().await;
}

/// Writers that come at the same time all get through in the end.
pub async fn many_writers_at_once_lose_nothing(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let main = bench.start().await;
    let writers = (0..8).map(async |writer| {
        let mut conflicts = 0;
        for count in 0..8 {
            conflicts += insist(&bench, &main, &format!("{writer}.{count}")).await;
        }
        conflicts
    });
    let conflicts: u32 = join_all(writers).await.into_iter().sum();
    let record = bench.branch(&main).await;
    assert_eq!((record.messages, record.revision), (64, 65), "{conflicts} conflicts");
    let texts = bench.texts(&main).await;
    for writer in 0..8 {
        let prefix = format!("{writer}.");
        let own: Vec<_> = texts.iter().filter(|text| text.starts_with(&prefix)).collect();
        let expected: Vec<_> = (0..8).map(|count| format!("{writer}.{count}")).collect();
        assert!(own.into_iter().eq(&expected));
    }
    bench.verify().await;
}

/// Says `text`, again and again until the head holds still. Returns how often it did not.
async fn insist(bench: &Bench, main: &Line, text: &str) -> u32 {
    let mut conflicts = 0;
    loop {
        let record = bench.branch(main).await;
        let view = bench.view(main.session, record.head).await;
        let line = Line { view, tip: record.tip, ..main.clone() };
        match bench.store.commit(bench.saying(&line, &[text]).0).await {
            Ok(()) => return conflicts,
            Err(StoreError::Conflict(Conflict::HeadMoved { .. })) => conflicts += 1,
            Err(other) => unreachable!("expected a conflict, got {other:?}"),
        }
    }
}

/// One bad part, wherever it is, and nothing of the commit is there.
pub async fn a_refused_commit_leaves_no_trace(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start_named(Some("trip")).await;
    bench.say(&mut main, &["one"]).await;
    let mut fork = bench.fork(&main, "fork", main.head()).await;
    let stale = fork.clone();
    bench.say(&mut fork, &["two"]).await;
    let sessions = bench.store.sessions().await.expect("they are listed");
    let branches = bench.store.branches(main.session).await.expect("it exists");
    // A good change, a good append, and an append that lost its race.
    let (ops, view) = bench.step(&main, |writer| say(writer, "good"));
    let (stale_ops, stale_view) = bench.step(&stale, |writer| say(writer, "stale"));
    let good = || {
        let rename = Change::RenameSession { name: Some("other".to_owned()) };
        let commit = bench.commit(main.session).with_change(rename);
        let commit = commit.with_change(bench.fork_change(&main, "new", main.head()));
        commit.with_ops(ops.clone(), head_move(&main, view.head()))
    };
    let lost = good().with_ops(stale_ops.clone(), head_move(&stale, stale_view.head()));
    let moved = Conflict::HeadMoved { branch: fork.branch, actual: fork.head() };
    assert_eq!(conflict(bench.store.commit(lost).await), moved);
    let mut broken = good();
    broken.ops.extend(stale_ops);
    check_invalid(&bench.store.commit(broken).await);
    let unknown = HeadMove { branch: bench.branch_id(), ..head_move(&stale, None) };
    let unknown = HeadMove { cause: Cause::Rewind, ..unknown };
    check_not_found(bench.store.commit(good().with_head(unknown)).await);
    assert_eq!(bench.store.sessions().await.expect("they are listed"), sessions);
    assert_eq!(bench.store.branches(main.session).await.expect("it exists"), branches);
    let stretch = view.head().expect("it has a head").stretch();
    let ops = bench.store.ops(main.session, stretch, 0..9).await.expect("they are read");
    assert_eq!(ops.len(), 1);
    bench.verify().await;
}

/// A writer that does not know whether it was heard may say it again.
pub async fn a_repeated_commit_changes_nothing(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let (created, session, branch) = bench.creation(Some("trip"));
    let line = Line { session, branch, ..bench.start().await };
    let (ops, view) = bench.step(&line, |writer| {
        say(writer, "one");
        say(writer, &"large ".repeat(10_000));
    });
    let main = Line { tip: view.head(), view, ..line.clone() };
    let created = created.with_ops(ops, head_move(&line, main.head()));
    let (said, after) = bench.saying(&main, &["two"]);
    let first = main.view.lineage().op_at(1);
    let back = HeadMove { cause: Cause::Rewind, ..head_move(&after, first) };
    let rewound = bench
        .commit(session)
        .with_change(Change::ArchiveSession { archived: true })
        .with_change(bench.fork_change(&main, "fork", first))
        .with_head(back);
    for commit in [created, said, rewound] {
        bench.write(commit.clone()).await;
        let before = (
            bench.store.sessions().await.expect("they are listed"),
            bench.store.branches(session).await.expect("it exists"),
            bench.store.reflog(branch, u64::MAX, 99).await.expect("it is read"),
        );
        bench.write(commit).await;
        let after = (
            bench.store.sessions().await.expect("they are listed"),
            bench.store.branches(session).await.expect("it exists"),
            bench.store.reflog(branch, u64::MAX, 99).await.expect("it is read"),
        );
        assert_eq!(before, after);
    }
    bench.verify().await;
}

/// Deleting what is deleted succeeds; making it again does not.
pub async fn a_repeated_deletion_changes_nothing(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let (created, session, branch) = bench.creation(Some("trip"));
    bench.write(created.clone()).await;
    let line = Line { session, branch, ..bench.start().await };
    let fork = bench.fork_change(&line, "fork", None);
    let Change::CreateBranch { branch: forked, .. } = fork else { unreachable!("BUG: a fork") };
    let made = bench.commit(session).with_change(fork);
    bench.write(made.clone()).await;
    let delete =
        bench.commit(session).with_change(Change::DeleteBranch { branch: forked, heir: None });
    bench.write(delete.clone()).await;
    bench.write(delete).await;
    let exists = conflict(bench.store.commit(made).await);
    assert!(matches!(exists, Conflict::Exists { .. }), "{exists:?}");
    check_not_found(bench.store.branch(forked).await);
    let delete = bench.commit(session).with_change(Change::DeleteSession);
    bench.write(delete.clone()).await;
    bench.write(delete).await;
    let exists = conflict(bench.store.commit(created).await);
    assert!(matches!(exists, Conflict::Exists { .. }), "{exists:?}");
    check_not_found(bench.store.session(session).await);
}

/// Once the head went on, the same commit is an old one.
pub async fn a_repeated_commit_conflicts_once_the_head_went_on(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let line = bench.start().await;
    let (first, mut after) = bench.saying(&line, &["one"]);
    bench.write(first.clone()).await;
    bench.say(&mut after, &["two"]).await;
    let moved = Conflict::HeadMoved { branch: line.branch, actual: after.head() };
    assert_eq!(conflict(bench.store.commit(first.clone()).await), moved);
    // Back where the first began, its ops are there already.
    bench.go(&mut after, None, Cause::Rewind).await;
    let moved = Conflict::HeadMoved { branch: line.branch, actual: None };
    assert_eq!(conflict(bench.store.commit(first).await), moved);
    // The same place with other content is no repeat.
    let (ours, after) = bench.saying(&after, &["anew"]);
    bench.write(ours.clone()).await;
    let mut other = ours;
    for op in &mut other.ops {
        op.standing = 7;
    }
    let moved = Conflict::HeadMoved { branch: line.branch, actual: after.head() };
    assert_eq!(conflict(bench.store.commit(other).await), moved);
    assert_eq!(bench.texts(&after).await, ["anew"]);
}

/// A writer that believes the stretch ends where it does not.
pub async fn a_place_that_is_taken_is_a_conflict(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", "two", "three"]).await;
    let first = line.view.lineage().op_at(1);
    bench.go(&mut line, first, Cause::Rewind).await;
    let deceived = Line { tip: first, ..line.clone() };
    let (commit, _) = bench.saying(&deceived, &["second"]);
    let moved = Conflict::HeadMoved { branch: line.branch, actual: first };
    assert_eq!(conflict(bench.store.commit(commit).await), moved);
    assert_eq!(bench.texts(&line).await, ["one"]);
    bench.verify().await;
}

/// A head moves to ops of its session only.
pub async fn a_head_does_not_move_to_an_op_that_is_not_there(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one"]).await;
    let mut other = bench.start().await;
    bench.say(&mut other, &["two"]).await;
    let beyond = line.head().and_then(OpId::next);
    let unknown = Some(StretchId::from_bits(u128::MAX).op(0));
    for to in [beyond, unknown, other.head()] {
        let head = HeadMove { cause: Cause::Restore, ..head_move(&line, to) };
        check_not_found(bench.store.commit(bench.commit(line.session).with_head(head)).await);
        let fork = bench.fork_change(&line, "fork", to);
        check_not_found(bench.store.commit(bench.commit(line.session).with_change(fork)).await);
    }
    assert_eq!(bench.branch(&line).await.head, line.head());
}

/// A commit that expects a head elsewhere than it is leaves no trace, whatever else it does.
pub async fn a_head_that_is_expected_elsewhere_is_a_conflict(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    bench.say(&mut main, &["one"]).await;
    let fork = bench.fork(&main, "fork", main.head()).await;
    let delete = |head| {
        bench
            .commit(main.session)
            .with_change(Change::ExpectHead { branch: fork.branch, head })
            .with_change(Change::DeleteBranch { branch: fork.branch, heir: None })
    };
    let refused = conflict(bench.store.commit(delete(None)).await);
    assert_eq!(refused, Conflict::HeadMoved { branch: fork.branch, actual: main.head() });
    assert_eq!(bench.branch(&fork).await.head, main.head());
    bench.write(delete(main.head())).await;
    check_not_found(bench.store.branch(fork.branch).await);
    // Said again, it changes nothing.
    bench.write(delete(main.head())).await;
    bench.verify().await;
}
