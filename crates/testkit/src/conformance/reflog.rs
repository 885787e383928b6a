//! The reflog: every move of a head, also those that a store need not write down.

use std::sync::Arc;

use branchwork_core::{
    graph::Step,
    id::OpId,
    store::{Cause, ReflogEntry, Store},
};

use crate::bench::{Bench, Line, head_move, say};

/// All entries, newest first.
async fn entries(bench: &Bench, line: &Line) -> Vec<ReflogEntry> {
    bench.store.reflog(line.branch, u64::MAX, 1_000).await.expect("it is read")
}

type Move = (u64, Cause, Option<Step>, Option<OpId>, Option<OpId>);

/// All of each entry but the time.
fn moves(entries: &[ReflogEntry]) -> Vec<Move> {
    let of = |entry: &ReflogEntry| (entry.revision, entry.cause, entry.step, entry.from, entry.to);
    entries.iter().map(of).collect()
}

/// Appends, rewinds, undo, redo, restore, promote, and appends behind each.
pub async fn the_reflog_tells_every_move(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", "two"]).await;
    bench.wait();
    bench.say(&mut line, &["three"]).await;
    let [one, two, three] = [1, 2, 3].map(|depth| line.view.lineage().op_at(depth));
    bench.go(&mut line, two, Cause::Undo).await;
    bench.go(&mut line, three, Cause::Redo).await;
    bench.say(&mut line, &["four"]).await;
    let four = line.head();
    bench.go(&mut line, one, Cause::Rewind).await;
    bench.say(&mut line, &["second"]).await;
    let second = line.head();
    bench.go(&mut line, four, Cause::Restore).await;
    let mut fork = bench.fork(&line, "fork", four).await;
    bench.say(&mut fork, &["five"]).await;
    let five = fork.head();
    bench.go(&mut line, five, Cause::Promote).await;
    bench.say(&mut line, &["six"]).await;
    let six = line.head();
    let found = entries(&bench, &line).await;
    let alone = Some(Step::Alone);
    let expected = [
        (12, Cause::Append, alone, five, six),
        (11, Cause::Promote, None, four, five),
        (10, Cause::Restore, None, second, four),
        (9, Cause::Append, alone, one, second),
        (8, Cause::Rewind, None, four, one),
        (7, Cause::Append, alone, three, four),
        (6, Cause::Redo, None, two, three),
        (5, Cause::Undo, None, three, two),
        (4, Cause::Append, alone, two, three),
        (3, Cause::Append, Some(Step::Closes), one, two),
        (2, Cause::Append, Some(Step::Opens), None, one),
        (1, Cause::Create, None, None, None),
    ];
    assert_eq!(moves(&found), expected);
    for entry in found.iter().filter(|entry| entry.cause == Cause::Append) {
        let message = line.view.message(entry.to.expect("it appends").into());
        assert!(message.is_none_or(|message| message.at == entry.at));
    }
    assert!(found.iter().rev().is_sorted_by_key(|entry| entry.at));
    assert_eq!(bench.branch(&line).await.revision, 12);
    assert_eq!(bench.texts(&line).await, ["one", "two", "three", "four", "five", "six"]);
    bench.verify().await;
}

/// Pages join without a gap, whatever their size and wherever they begin.
pub async fn the_reflog_is_read_in_pages_of_any_size(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    for round in 0..4 {
        bench.say(&mut line, &["a", "b", "c", "d"]).await;
        let back = line.view.lineage().op_at(line.view.lineage().depth() - 2);
        bench.go(&mut line, back, Cause::Rewind).await;
        if round == 2 {
            let tip = line.tip;
            bench.go(&mut line, tip, Cause::Redo).await;
        }
    }
    let all = entries(&bench, &line).await;
    assert_eq!(all.len(), 22);
    for size in 1..=all.len() + 1 {
        let mut joined = Vec::new();
        let mut before = u64::MAX;
        loop {
            let page = bench.store.reflog(line.branch, before, size).await.expect("it is read");
            assert!(page.len() <= size);
            let Some(last) = page.last() else { break };
            before = last.revision;
            joined.extend(page);
        }
        assert_eq!(joined, all, "pages of {size}");
    }
    for before in 0..=23 {
        let page = bench.store.reflog(line.branch, before, 3).await.expect("it is read");
        let expected = all.iter().filter(|entry| entry.revision < before).take(3);
        assert!(page.iter().eq(expected), "before {before}");
    }
    assert_eq!(bench.store.reflog(line.branch, u64::MAX, 0).await.expect("it is read"), []);
}

/// The first entry of a fork says where it was made.
pub async fn the_reflog_of_a_fork_begins_with_its_creation(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    bench.say(&mut main, &["one", "two"]).await;
    let point = main.view.lineage().op_at(1);
    let mut fork = bench.fork(&main, "fork", point).await;
    let created = bench.branch(&fork).await.created;
    bench.say(&mut fork, &["three", "four"]).await;
    let [third, fourth] = [2, 3].map(|depth| fork.view.lineage().op_at(depth));
    let found = entries(&bench, &fork).await;
    let expected = [
        (3, Cause::Append, Some(Step::Closes), third, fourth),
        (2, Cause::Append, Some(Step::Opens), point, third),
        (1, Cause::Create, None, None, point),
    ];
    assert_eq!(moves(&found), expected);
    assert_eq!(found.last().map(|entry| entry.at), Some(created));
    // The branch it came from knows nothing of it.
    assert_eq!(entries(&bench, &main).await.len(), 3);
}

/// The stretch goes on after moves that came back to its end, more than once.
pub async fn a_branch_that_went_back_and_forth_tells_all_of_it(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    let mut expected = vec![(1, Cause::Create, None, None)];
    let mut revision = 1;
    for round in 0..6 {
        let before = line.head();
        bench.say(&mut line, &["more"]).await;
        let tip = line.head();
        bench.go(&mut line, before, Cause::Undo).await;
        bench.go(&mut line, tip, Cause::Redo).await;
        let steps =
            [(Cause::Append, before, tip), (Cause::Undo, tip, before), (Cause::Redo, before, tip)];
        for (cause, from, to) in steps {
            revision += 1;
            expected.push((revision, cause, from, to));
        }
        assert_eq!(line.view.len(), round + 1);
    }
    let found = entries(&bench, &line).await;
    let found: Vec<_> = found
        .iter()
        .rev()
        .map(|entry| (entry.revision, entry.cause, entry.from, entry.to))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(line.view.lineage().segments().len(), 1);
    bench.verify().await;
}

/// No entry, no revision, no time of use.
pub async fn a_move_to_where_the_head_is_changes_nothing(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.append(&mut line, |writer| say(writer, "one")).await;
    let before =
        (bench.branch(&line).await, bench.store.session(line.session).await.expect("it exists"));
    bench.wait();
    let head =
        branchwork_core::store::HeadMove { cause: Cause::Rewind, ..head_move(&line, line.head()) };
    bench.write(bench.commit(line.session).with_head(head)).await;
    bench.write(bench.commit(line.session)).await;
    let after =
        (bench.branch(&line).await, bench.store.session(line.session).await.expect("it exists"));
    assert_eq!(before, after);
    assert_eq!(entries(&bench, &line).await.len(), 2);
}
