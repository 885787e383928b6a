//! Reads: ops, lineages, pages, searches.

use std::sync::Arc;

use branchwork_core::{
    limits::READ_OPS_MAX,
    message::Body,
    store::{Cause, Store, read},
};

use crate::bench::{Bench, check_not_found, say, texts};

/// Ranges inside, across and beyond the end of a stretch, and one that is too long.
pub async fn ops_are_read_in_pages_and_never_too_many(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    let count = READ_OPS_MAX + 10;
    bench.append(&mut line, |writer| (0..count).for_each(|n| say(writer, &n.to_string()))).await;
    let stretch = line.head().expect("it has a head").stretch();
    let places = async |from, to| {
        let ops = bench.store.ops(line.session, stretch, from..to).await.expect("they are read");
        assert!(ops.iter().zip(from..).all(|(op, place)| op.id == stretch.op(place)));
        u32::try_from(ops.len()).expect("they are few")
    };
    assert_eq!(places(0, 3).await, 3);
    assert_eq!(places(3, 3).await, 0);
    assert_eq!(places(count - 2, count + 5).await, 2);
    assert_eq!(places(count, u32::MAX).await, 0);
    assert_eq!(places(u32::MAX, u32::MAX).await, 0);
    assert_eq!(places(0, u32::MAX).await, READ_OPS_MAX);
    assert_eq!(places(7, count).await, READ_OPS_MAX);
    // An empty range that runs backwards is empty.
    let (from, to) = (5, 2);
    assert_eq!(places(from, to).await, 0);
    assert_eq!(bench.view(line.session, line.head()).await.len(), line.view.len());
}

/// Forks and rewinds each add a segment; the way is that of the writer's view.
pub async fn a_lineage_has_one_segment_for_each_stretch(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    let mut heads = Vec::new();
    for round in 0..5 {
        bench.say(&mut line, &["a", "b", "c"]).await;
        heads.push(line.view.clone());
        let back = line.view.lineage().op_at(line.view.lineage().depth() - 1);
        if round % 2 == 0 {
            bench.go(&mut line, back, Cause::Rewind).await;
        } else {
            line = bench.fork(&line, &format!("fork {round}"), back).await;
        }
    }
    for view in heads {
        let head = view.head().expect("it has a head");
        let lineage = bench.store.lineage(line.session, head).await.expect("it has a way");
        assert_eq!(&lineage, view.lineage());
    }
}

/// Ops belong to one session.
pub async fn an_op_is_not_found_from_another_session(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["mine"]).await;
    let other = bench.start().await;
    let head = line.head().expect("it has a head");
    check_not_found(bench.store.lineage(other.session, head).await);
    let ops = bench.store.ops(other.session, head.stretch(), 0..1).await.expect("none");
    assert_eq!(ops, []);
    check_not_found(read::op(&*bench.store, other.session, head).await);
}

/// The last messages are read without the rest, across segments, edits and removals.
pub async fn a_page_reads_the_end_of_a_long_branch(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    let numbers: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let numbers: Vec<_> = numbers.iter().map(String::as_str).collect();
    bench.say(&mut main, &numbers).await;
    let mut fork = bench.fork(&main, "fork", main.view.lineage().op_at(50)).await;
    bench.say(&mut fork, &["a", "b", "c"]).await;
    let ids: Vec<_> = fork.view.messages().rev().map(|message| message.id).collect();
    let [_, second, _, fourth, ..] = ids.as_slice() else { unreachable!("many messages") };
    bench
        .append(&mut fork, |writer| {
            writer.edit(*fourth, Body::instruction("edited")).expect("it stands");
            writer.remove(*second).expect("it stands");
        })
        .await;
    for count in [0, 1, 2, 3, 5, 60] {
        let page = read::page(&*bench.store, fork.session, fork.head(), count).await;
        let page = page.expect("the page is read");
        let skipped = fork.view.len().saturating_sub(count);
        assert!(page.iter().eq(fork.view.messages().skip(skipped)), "{count}");
    }
    let view = bench.view(fork.session, fork.head()).await;
    assert!(texts(&view).ends_with(&["edited".to_owned(), "a".to_owned(), "c".to_owned()]));
}
