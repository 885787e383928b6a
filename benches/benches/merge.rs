//! Diff and merge of branches that share N messages and differ by ten.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use branchwork::{
    Branch, Engine, Session,
    core::{
        message::{Body, Draft},
        store::MemoryStore,
    },
};
use branchwork_benches::{
    measure::{median, timed_async},
    report::{self, micros},
    text,
};
use tokio::runtime::{Builder, Runtime};

/// What is timed one by one.
const SAMPLES: usize = 101;
/// Messages by which the branches differ.
const NEW: u64 = 10;
const SIZES: [u64; 3] = [1_000, 10_000, 100_000];

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    report::head(&["what", "where", "N", "figure"]);
    for size in SIZES {
        let engine = Engine::builder().store(Arc::new(MemoryStore::new())).build();
        let world = runtime.block_on(World::fill(&engine, size));
        warm(&runtime, &world, ("memory", size));
    }
    for size in SIZES {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("merge.db");
        let world = runtime.block_on(async { World::fill(&open(&path), size).await });
        warm(&runtime, &world, ("file", size));
        drop(world);
        runtime.block_on(cold(&path, size));
    }
}

/// Two branches that differ.
struct World {
    session: Session,
    main: Branch,
    other: Branch,
}

impl World {
    async fn fill(engine: &Engine, size: u64) -> Self {
        let session = engine.session("bench").create().await.expect("a session can be made");
        let main = session.default_branch();
        append(&main, 0..size).await;
        let other = main.fork("other").await.expect("it can be forked");
        append(&main, size..size + NEW).await;
        append(&other, size + NEW..size + 2 * NEW).await;
        Self { session, main, other }
    }

    async fn diff(&self) -> Duration {
        let (diff, took) = timed_async(self.session.diff(&self.main, &self.other)).await;
        let counts = diff.map(|diff| diff.right.delta.messages().count());
        assert_eq!(counts.expect("they can be compared"), 10);
        took
    }

    async fn plan(&self) -> Duration {
        let merge = self.session.merge(&self.other).into(&self.main);
        let (plan, took) = timed_async(merge.plan()).await;
        assert_eq!(plan.expect("it can be planned").brought().len(), 10);
        took
    }

    /// A merge, which is undone again.
    async fn merge(&self) -> Duration {
        let merge = self.session.merge(&self.other).into(&self.main);
        let (merged, took) = timed_async(merge.into_future()).await;
        assert_eq!(merged.expect("it can be merged").added.len(), 10);
        self.main.undo().await.expect("it can be undone");
        took
    }

    /// The same number of messages appended in one commit, and undone again.
    async fn append(&self) -> Duration {
        let drafts = (0..NEW).map(draft).collect();
        let (appended, took) = timed_async(self.main.append_all(drafts)).await;
        appended.expect("they can be appended");
        self.main.undo().await.expect("it can be undone");
        took
    }
}

fn open(path: &Path) -> Engine {
    Engine::open(path).expect("the file can be made")
}

fn draft(number: u64) -> Draft {
    Draft::new(Body::instruction(text::kibibyte(number)))
}

async fn append(branch: &Branch, numbers: std::ops::Range<u64>) {
    let numbers: Vec<_> = numbers.collect();
    for some in numbers.chunks(1_000) {
        let drafts = some.iter().copied().map(draft).collect();
        branch.append_all(drafts).await.expect("messages can be appended");
    }
}

fn row(what: &str, (place, size): (&str, u64), figure: impl fmt::Display) {
    report::row(&[&what, &place, &size, &figure]);
}

/// Both branches are known.
fn warm(runtime: &Runtime, world: &World, at: (&str, u64)) {
    let [mut diff, mut plan, mut merge, mut append] = [const { Vec::new() }; 4];
    for _ in 0..SAMPLES {
        runtime.block_on(async {
            diff.push(world.diff().await);
            plan.push(world.plan().await);
            merge.push(world.merge().await);
            append.push(world.append().await);
        });
    }
    let [diff, plan, merge, append] = [diff, plan, merge, append].map(|all| micros(median(all)));
    row("diff", at, format!("{diff:.0} µs"));
    row("plan of a merge", at, format!("{plan:.0} µs"));
    row("merge", at, format!("{merge:.0} µs; appending as much: {append:.0} µs"));
}

/// Nothing is known: the file was just opened.
async fn cold(path: &Path, size: u64) {
    let (mut views, mut diffs) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let session = open(path).open_session("bench").await.expect("it is there");
        let (main, other) = (session.default_branch(), session.branch("other").await);
        let world = World { main, other: other.expect("it is there"), session };
        diffs.push(world.diff().await);
        let session = open(path).open_session("bench").await.expect("it is there");
        views.push(timed_async(session.default_branch().view()).await.1);
    }
    let [diff, view] = [diffs, views].map(|all| micros(median(all)) / 1e3);
    row("diff, just opened", ("file", size), format!("{diff:.1} ms; reading one: {view:.1} ms"));
}
