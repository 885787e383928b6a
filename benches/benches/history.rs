//! In memory: append, fork, rollback, undo, reading, each over N.

use std::{hint::black_box, sync::Arc, time::Duration};

use branchwork::{
    Branch, Engine, Session,
    core::{
        clock::Timestamp,
        graph::{Extent, StepWriter, View},
        id::OpId,
        message::{Body, Draft},
        store::MemoryStore,
    },
};
use branchwork_benches::text;
use branchwork_testkit::SequentialIds;
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

const SIZES: [u64; 3] = [10, 1_000, 100_000];

fn draft(number: u64) -> Draft {
    Draft::new(Body::instruction(text::kibibyte(number)))
}

/// A view of `count` messages and its newest op.
fn view(ids: &SequentialIds, count: u64) -> (View, Option<OpId>) {
    let mut step = StepWriter::after(View::default(), None, ids, Timestamp::default());
    for number in 0..count {
        step.message(draft(number)).expect("a message can follow");
    }
    let (_, view) = step.finish(Extent::Whole);
    let tip = view.head();
    (view, tip)
}

/// Op, view and identifiers of one append, without a store.
fn append_to_view(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append to a view");
    for size in SIZES {
        let ids = SequentialIds::default();
        let (mut view, mut tip) = view(&ids, size);
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_batched(
                || draft(0),
                |draft| {
                    let before = std::mem::take(&mut view);
                    let mut step = StepWriter::after(before, tip, &ids, Timestamp::default());
                    step.message(draft).expect("a message can follow");
                    let (ops, after) = step.finish(Extent::Whole);
                    (view, tip) = (after, ops.last().map(|op| op.id));
                    ops
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime can be made")
}

/// A branch of `count` messages on a memory store.
fn branch(runtime: &Runtime, count: u64) -> (Session, Branch) {
    runtime.block_on(async {
        let engine = Engine::builder().store(Arc::new(MemoryStore::new())).build();
        let session = engine.session("bench").create().await.expect("a session can be made");
        let main = session.default_branch();
        for number in 0..count {
            main.append(draft(number)).await.expect("a message can be appended");
        }
        (session, main)
    })
}

/// The same through the engine, on the memory store.
fn append_to_branch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append to a branch in memory");
    let runtime = runtime();
    for size in SIZES {
        let (_, main) = branch(&runtime, size);
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_batched(
                || draft(0),
                |draft| runtime.block_on(main.append(draft)).expect("it can be appended"),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Moves of the head, each undone by the next, so that the branch stays as it is.
fn moves(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("fork, rollback, undo, switch in memory");
    for size in SIZES {
        let (session, main) = branch(&runtime, size);
        let mut forks = 0_u64;
        group.bench_function(BenchmarkId::new("fork", size), |bencher| {
            bencher.iter(|| {
                forks += 1;
                let name = format!("{size}-{forks}");
                runtime.block_on(main.fork(name).into_future()).expect("it can be forked")
            });
        });
        group.bench_function(BenchmarkId::new("rollback and undo", size), |bencher| {
            bencher.iter(|| runtime.block_on(there_and_back(&main)));
        });
        group.bench_function(BenchmarkId::new("switch", size), |bencher| {
            bencher.iter(|| runtime.block_on(session.switch(&main)).expect("it can be switched"));
        });
    }
    group.finish();
}

async fn there_and_back(branch: &Branch) {
    branch.rollback(1).await.expect("a message can go");
    branch.undo().await.expect("the rollback can be undone");
}

/// Reading all messages of a view, without copying.
fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read every message of a view");
    for size in SIZES {
        let ids = SequentialIds::default();
        let (view, _) = view(&ids, size);
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                view.messages().fold(0, |sum, message| sum ^ black_box(message).id.to_bits())
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = append_to_view, append_to_branch, moves, read
}
criterion_main!(benches);
