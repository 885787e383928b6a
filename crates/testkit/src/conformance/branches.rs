//! Branches: forking, naming, deleting, counting.

use std::sync::Arc;

use branchwork_core::{
    graph::Segment,
    store::{Cause, Change, Conflict, HeadMove, Store},
};

use crate::bench::{Bench, check_not_found, conflict, texts};

/// A fork reads what lies before it, and neither side sees what the other writes.
pub async fn a_fork_shares_what_lies_before_it(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    bench.say(&mut main, &["one", "two", "three"]).await;
    let second = main.view.lineage().op_at(2);
    let mut fork = bench.fork(&main, "fork", second).await;
    bench.say(&mut main, &["four"]).await;
    bench.say(&mut fork, &["other"]).await;
    assert_eq!(bench.texts(&main).await, ["one", "two", "three", "four"]);
    assert_eq!(bench.texts(&fork).await, ["one", "two", "other"]);
    let record = bench.branch(&fork).await;
    assert_eq!(record.forked_from, Some(main.branch));
    assert_eq!((record.name.as_str(), record.session), ("fork", main.session));
    bench.verify().await;
}

/// Each fork adds one stretch to the way.
pub async fn a_fork_of_a_fork_of_a_fork_knows_its_whole_way(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["0a", "0b"]).await;
    let mut expected = vec!["0a".to_owned(), "0b".to_owned()];
    for depth in 1..6 {
        let name = format!("fork {depth}");
        line = bench.fork(&line, &name, line.head()).await;
        let (first, second) = (format!("{depth}a"), format!("{depth}b"));
        bench.say(&mut line, &[&first, &second]).await;
        expected.extend([first, second]);
    }
    assert_eq!(bench.texts(&line).await, expected);
    let head = line.head().expect("it has a head");
    let lineage = bench.store.lineage(line.session, head).await.expect("it has a way");
    assert_eq!(&lineage, line.view.lineage());
    let lengths: Vec<_> =
        lineage.segments().map(|Segment { start, length, .. }| (start, length)).collect();
    assert_eq!(lengths, [(0, 2), (2, 2), (4, 2), (6, 2), (8, 2), (10, 2)]);
}

/// A name is free again once its branch is renamed or deleted; other sessions do not matter.
pub async fn a_branch_name_is_unique_in_its_session_until_it_is_free_again(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let (main, other) = (bench.start().await, bench.start().await);
    let fork = bench.fork(&main, "fork", None).await;
    bench.fork(&other, "fork", None).await;
    let taken = Conflict::BranchNameTaken { name: "fork".to_owned() };
    let again = bench.fork_change(&main, "fork", None);
    let commit = bench.commit(main.session).with_change(again);
    assert_eq!(conflict(bench.store.commit(commit).await), taken);
    let rename = |branch, name: &str| Change::RenameBranch { branch, name: name.to_owned() };
    let commit = bench.commit(main.session).with_change(rename(main.branch, "fork"));
    assert_eq!(conflict(bench.store.commit(commit).await), taken);
    bench.write(bench.commit(main.session).with_change(rename(fork.branch, "fork"))).await;
    bench.write(bench.commit(main.session).with_change(rename(fork.branch, "old fork"))).await;
    let fork = bench.fork(&main, "fork", None).await;
    let delete = Change::DeleteBranch { branch: fork.branch, heir: None };
    bench.write(bench.commit(main.session).with_change(delete)).await;
    check_not_found(bench.store.branch(fork.branch).await);
    check_not_found(bench.store.reflog(fork.branch, u64::MAX, 1).await);
    bench.fork(&main, "fork", None).await;
}

/// The default branch stays until it is the default no more.
pub async fn the_default_branch_is_not_deleted_until_another_one_is_the_default(
    store: Arc<dyn Store>,
) {
    let bench = Bench::new(store);
    let main = bench.start().await;
    let fork = bench.fork(&main, "fork", None).await;
    let delete = bench
        .commit(main.session)
        .with_change(Change::DeleteBranch { branch: main.branch, heir: None });
    let refused = Conflict::DefaultBranch { branch: main.branch };
    assert_eq!(conflict(bench.store.commit(delete.clone()).await), refused);
    let default = Change::SetDefaultBranch { branch: fork.branch };
    bench.write(bench.commit(main.session).with_change(default)).await;
    bench.write(delete).await;
    let session = bench.store.session(main.session).await.expect("it exists");
    assert_eq!((session.default_branch, session.branches), (fork.branch, 1));
    bench.verify().await;
}

/// A commit cannot reach into another session.
pub async fn a_branch_of_another_session_is_not_found(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    bench.say(&mut main, &["one"]).await;
    let mut other = bench.start().await;
    bench.say(&mut other, &["two"]).await;
    let branch = other.branch;
    for change in [
        Change::DeleteBranch { branch, heir: None },
        Change::SetDefaultBranch { branch },
        Change::RenameBranch { branch, name: "mine".to_owned() },
        bench.fork_change(&main, "fork", other.head()),
    ] {
        check_not_found(bench.store.commit(bench.commit(main.session).with_change(change)).await);
    }
    let head = HeadMove { branch, from: other.head(), to: None, cause: Cause::Rewind };
    check_not_found(bench.store.commit(bench.commit(main.session).with_head(head)).await);
    let same =
        Change::CreateBranch { branch, name: "main".to_owned(), forked_from: None, head: None };
    let exists = bench.store.commit(bench.commit(main.session).with_change(same)).await;
    assert!(matches!(conflict(exists), Conflict::Exists { .. }));
    assert_eq!(bench.texts(&other).await, ["two"]);
}

/// The record of a branch follows every move.
pub async fn a_branch_knows_its_tip_revision_and_messages(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", "two"]).await;
    bench.say(&mut line, &["three"]).await;
    let (first, tip) = (line.view.lineage().op_at(1), line.head());
    let check = async |expected| {
        let record = bench.branch(&line).await;
        assert_eq!((record.head, record.tip, record.revision, record.messages), expected);
    };
    check((tip, tip, 4, 3)).await;
    let mut moving = line.clone();
    bench.go(&mut moving, first, Cause::Rewind).await;
    check((first, tip, 5, 1)).await;
    bench.go(&mut moving, tip, Cause::Redo).await;
    check((tip, tip, 6, 3)).await;
    bench.say(&mut moving, &["four", "five"]).await;
    let tip = moving.head();
    check((tip, tip, 8, 5)).await;
    bench.go(&mut moving, None, Cause::Rewind).await;
    check((None, tip, 9, 0)).await;
    bench.say(&mut moving, &["anew"]).await;
    let anew = moving.head();
    check((anew, anew, 10, 1)).await;
    bench.go(&mut moving, tip, Cause::Restore).await;
    check((tip, anew, 11, 5)).await;
    let fork = bench.fork(&moving, "fork", first).await;
    let record = bench.branch(&fork).await;
    assert_eq!((record.head, record.tip, record.revision, record.messages), (first, None, 1, 1));
}

/// Forks are cheap, and keep the order in which they were made.
pub async fn a_thousand_branches_of_one_op_are_listed_in_order(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    bench.say(&mut main, &["root"]).await;
    let mut commit = bench.commit(main.session);
    for count in (0..1_000).rev() {
        commit =
            commit.with_change(bench.fork_change(&main, &format!("fork {count}"), main.head()));
    }
    bench.write(commit).await;
    let branches = bench.store.branches(main.session).await.expect("it exists");
    let names: Vec<_> = branches.iter().skip(1).map(|branch| branch.name.clone()).collect();
    let expected: Vec<_> = (0..1_000).rev().map(|count| format!("fork {count}")).collect();
    assert_eq!(names, expected);
    assert!(branches.iter().all(|branch| branch.head == main.head()));
    let session = bench.store.session(main.session).await.expect("it exists");
    assert_eq!((session.branches, session.messages), (1_001, 1));
    let last = branches.last().expect("there are many");
    let view = bench.view(main.session, last.head).await;
    assert_eq!(texts(&view), ["root"]);
}

/// A session counts the messages on the way to any head, each once.
pub async fn messages_that_branches_share_count_once(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let messages = async |session| bench.store.session(session).await.expect("it exists").messages;
    let mut main = bench.start().await;
    bench.say(&mut main, &["one", "two", "three"]).await;
    let mut fork = bench.fork(&main, "fork", main.view.lineage().op_at(2)).await;
    assert_eq!(messages(main.session).await, 3);
    bench.say(&mut fork, &["four", "five"]).await;
    assert_eq!(messages(main.session).await, 5);
    let removed = fork.view.last().expect("it has messages").id;
    bench.append(&mut fork, |writer| writer.remove(removed).expect("it stands")).await;
    assert_eq!(messages(main.session).await, 4);
    // Only the first of the three is still on the way to a head of the default branch.
    let first = main.view.lineage().op_at(1);
    bench.go(&mut main, first, Cause::Rewind).await;
    assert_eq!(messages(main.session).await, 3);
    bench
        .write(
            bench
                .commit(main.session)
                .with_change(Change::DeleteBranch { branch: fork.branch, heir: None }),
        )
        .await;
    assert_eq!(messages(main.session).await, 1);
}
