//! Refusals: commits that break the contract are not taken, and leave no trace.

use std::sync::Arc;

use branchwork_core::{
    graph::{Op, StepWriter},
    store::{Cause, HeadMove, Store},
};

use crate::bench::{Bench, Line, check_invalid, head_move, say};

/// Each way in which ops may not lead from the old head to the new one.
pub async fn ops_that_do_not_follow_are_refused(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one"]).await;
    let write = |writer: &mut StepWriter<'_>| {
        say(writer, "two");
        say(writer, "three");
    };
    let (ops, view) = bench.step(&line, write);
    let [first, second] = ops.as_slice() else { unreachable!("two ops") };
    let head = head_move(&line, view.head());
    let place = second.id.stretch().op(9);
    let wrong_place = Op { id: place, ..second.clone() };
    let rewind = HeadMove { cause: Cause::Rewind, ..head };
    for (ops, head) in [
        // A gap, the wrong order, a wrong parent, a wrong place.
        (vec![second.clone()], head),
        (vec![second.clone(), first.clone()], head),
        (vec![first.clone(), Op { parent: None, ..second.clone() }], head),
        (vec![first.clone(), wrong_place], HeadMove { to: Some(place), ..head }),
        // Ops that lead elsewhere, too few, and none where some are due.
        (ops.clone(), HeadMove { to: Some(first.id), ..head }),
        (vec![first.clone()], head),
        (Vec::new(), head),
        // Ops behind a move that appends nothing.
        (ops.clone(), rewind),
    ] {
        let commit = bench.commit(line.session).with_ops(ops, head);
        check_invalid(&bench.store.commit(commit).await);
    }
    let mut stray = bench.commit(line.session);
    stray.ops = ops.clone();
    check_invalid(&bench.store.commit(stray).await);
    assert_eq!(bench.texts(&line).await, ["one"]);
    assert_eq!(bench.branch(&line).await.revision, 2);
}

/// Only the branch that began a stretch may go on in it.
pub async fn an_op_in_a_stretch_of_another_branch_is_refused(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    bench.say(&mut main, &["one"]).await;
    let fork = bench.fork(&main, "fork", main.head()).await;
    let thief = Line { tip: main.tip, ..fork.clone() };
    let (commit, _) = bench.saying(&thief, &["two"]);
    check_invalid(&bench.store.commit(commit).await);
    assert_eq!(bench.texts(&fork).await, ["one"]);
    bench.say(&mut main, &["two"]).await;
    assert_eq!(bench.texts(&main).await, ["one", "two"]);
}

/// In one commit, one move would hide the other.
pub async fn a_head_or_stretch_that_appears_twice_is_refused(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    bench.say(&mut main, &["root"]).await;
    let fork = bench.fork(&main, "fork", main.head()).await;
    let (first, after) = bench.saying(&main, &["two"]);
    let (second, _) = bench.saying(&after, &["three"]);
    let mut twice = first;
    twice.ops.extend(second.ops);
    twice.heads.extend(second.heads);
    check_invalid(&bench.store.commit(twice).await);
    let begin = Line { tip: None, ..main.clone() };
    let (ops, view) = bench.step(&begin, |writer| say(writer, "same"));
    let twice = bench
        .commit(main.session)
        .with_ops(ops.clone(), head_move(&main, view.head()))
        .with_ops(ops, head_move(&fork, view.head()));
    check_invalid(&bench.store.commit(twice).await);
    assert_eq!(
        (bench.texts(&main).await, bench.texts(&fork).await),
        (vec!["root".to_owned()], vec!["root".to_owned()])
    );
}
