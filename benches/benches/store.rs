//! The SQLite store beside raw SQLite: time, bytes and growth over N.

use std::{fs, path::Path, sync::Arc, time::Duration};

use branchwork::{
    Branch, Engine, Session,
    core::message::{Body, Draft},
};
use branchwork_benches::{
    measure::{median, percentile_99, resident_bytes, timed, written_bytes},
    report::{self, micros},
    text,
};
use rusqlite::Connection;
use tokio::runtime::{Builder, Runtime};

/// Appends that are timed one by one.
const SAMPLES: u64 = 1_500;
/// Writers that append at the same time, and what each appends in a round.
const WRITERS: usize = 64;
const EACH: u64 = 150;
/// Rounds in which one writer and many take turns.
const ROUNDS: usize = 9;
/// Forks of one conversation.
const FORKS: u64 = 20_000;
const SIZES: [u64; 3] = [10, 1_000, 100_000];

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    report::head(&["what", "N", "figure"]);
    for size in SIZES {
        appends(&runtime, size);
    }
    group_commit(&runtime);
    bytes(&runtime);
    for size in SIZES {
        moves_and_reads(&runtime, size);
    }
    forks(&runtime);
}

fn row(what: &str, size: u64, figure: impl std::fmt::Display) {
    report::row(&[&what, &size, &figure]);
}

fn draft(number: u64) -> Draft {
    Draft::new(Body::instruction(text::kibibyte(number)))
}

async fn create(path: &Path, messages: u64) -> (Engine, Session, Branch) {
    let engine = Engine::open(path).expect("the file can be made");
    let session = engine.session("bench").create().await.expect("a session can be made");
    let main = session.default_branch();
    let mut number = 0;
    while number < messages {
        let end = messages.min(number + 1_000);
        let drafts = (number..end).map(draft).collect();
        main.append_all(drafts).await.expect("messages can be appended");
        number = end;
    }
    (engine, session, main)
}

/// A table as plain as can be, with the pragmas of the store.
fn raw(path: &Path) -> Connection {
    let db = Connection::open(path).expect("the file can be made");
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;
         CREATE TABLE row(key INTEGER PRIMARY KEY, body TEXT NOT NULL);",
    )
    .expect("the table can be made");
    db
}

/// One durable append beside one raw insert, in turns, so that both see the same disk.
fn appends(runtime: &Runtime, size: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let (_engine, _session, main) = runtime.block_on(create(&folder.path().join("ours.db"), size));
    let db = raw(&folder.path().join("raw.db"));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..SAMPLES {
        let body = text::kibibyte(number);
        let insert = || {
            let mut insert = db.prepare_cached("INSERT INTO row(body) VALUES (?1)").expect("sql");
            insert.execute([&body]).expect("a row can be inserted")
        };
        theirs.push(timed(insert).1);
        let append = main.append(draft(number));
        ours.push(timed(|| runtime.block_on(append).expect("it can be appended")).1);
    }
    let (ours, theirs) = (micros(median(ours)), micros(median(theirs)));
    let ratio = ours / theirs;
    row("durable append", size, format!("{ours:.0} µs, raw insert {theirs:.0} µs, {ratio:.2} ×"));
}

/// Appends `count` messages, each in a commit of its own.
async fn append_singly(branch: Branch, count: u64) {
    for number in 0..count {
        branch.append(draft(number)).await.expect("it can be appended");
    }
}

/// The rate of many writers beside the rate of one, in turns, so that both see the same disk.
fn group_commit(runtime: &Runtime) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("group.db");
    let (_engine, session, main) = runtime.block_on(create(&path, 10));
    let branches: Vec<Branch> = runtime.block_on(async {
        let mut branches = Vec::new();
        for number in 0..WRITERS {
            let name = format!("writer-{number}");
            branches.push(session.create_branch(name).await.expect("a branch can be made"));
        }
        branches
    });
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let appends = append_singly(main.clone(), 3 * EACH);
        alone.push(timed(|| runtime.block_on(appends)).1 / count(3 * EACH));
        let writers = branches.iter().map(|branch| append_singly(branch.clone(), EACH));
        let all = futures_util::future::join_all(writers);
        together.push(timed(|| runtime.block_on(all)).1 / count(EACH * WRITERS as u64));
    }
    let rate = |each: Vec<Duration>| 1e6 / micros(median(each));
    let (alone, together) = (rate(alone), rate(together));
    let ratio = together / alone;
    row("durable appends a second, 1 writer", 10, format!("{alone:.0}"));
    row("durable appends a second, 64 branches", 10, format!("{together:.0}, {ratio:.1} ×"));
}

/// A count as a divisor of durations.
fn count(number: u64) -> u32 {
    u32::try_from(number).expect("there are few")
}

/// Bytes on disk and bytes written, by messages and by size of commits.
fn bytes(runtime: &Runtime) {
    for (size, batch) in [(1_000, 1), (10_000, 1), (1_000, 100), (10_000, 100), (100_000, 100)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bytes.db");
        runtime.block_on(async { create(&path, 0).await.0.close().await }).expect("it is made");
        let empty = file_bytes(&path);
        let engine = Engine::open(&path).expect("the file can be opened");
        let main =
            runtime.block_on(engine.open_session("bench")).expect("it is there").default_branch();
        let before = written_bytes();
        runtime.block_on(async {
            let mut number = 0;
            while number < size {
                let drafts = (number..number + batch).map(draft).collect();
                main.append_all(drafts).await.expect("messages can be appended");
                number += batch;
            }
            engine.close().await.expect("the file can be closed");
        });
        let written = written_bytes() - before;
        let kept = file_bytes(&path) - empty;
        let per = |bytes: u64| f64::from(u32::try_from(bytes / size).unwrap_or(0)) / 1_024.0;
        let figure = format!("{:.2} KiB kept, {:.2} KiB written", per(kept), per(written));
        row(&format!("a message of 1 KiB in commits of {batch}"), size, figure);
    }
}

fn file_bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Fork, rollback, undo and switch, opening a branch, and its last page.
fn moves_and_reads(runtime: &Runtime, size: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("moves.db");
    let (engine, session, main) = runtime.block_on(create(&path, size));
    let mut samples: [Vec<Duration>; 4] = Default::default();
    for number in 0..200 {
        let fork = async { main.fork(format!("f{number}")).await.expect("it can be forked") };
        samples[0].push(timed(|| runtime.block_on(fork)).1);
        let rollback = async { main.rollback(1).await.expect("it can be rolled back") };
        samples[1].push(timed(|| runtime.block_on(rollback)).1);
        let undo = async { main.undo().await.expect("it can be undone") };
        samples[2].push(timed(|| runtime.block_on(undo)).1);
        let switch = async { session.switch(&main).await.expect("it can be switched") };
        samples[3].push(timed(|| runtime.block_on(switch)).1);
    }
    for (what, samples) in ["fork", "rollback", "undo", "switch"].iter().zip(samples) {
        row(&format!("durable {what}"), size, format!("{:.0} µs", micros(median(samples))));
    }
    runtime.block_on(engine.close()).expect("the file can be closed");
    let mut opened = Vec::new();
    let mut pages = Vec::new();
    for _ in 0..7 {
        let engine = Engine::open(&path).expect("the file can be opened");
        let main =
            runtime.block_on(engine.open_session("bench")).expect("it is there").default_branch();
        let page = async { main.page(50).await.expect("the page can be read") };
        let (page, time) = timed(|| runtime.block_on(page));
        assert_eq!(page.len() as u64, size.min(50));
        pages.push(time);
        let view = async { main.view().await.expect("the branch can be read") };
        let (view, time) = timed(|| runtime.block_on(view));
        assert_eq!(view.len() as u64, size);
        opened.push(time);
    }
    let opened = micros(median(opened));
    let each = opened / f64::from(u32::try_from(size).unwrap_or(1));
    row("open a branch for a model call", size, format!("{opened:.0} µs, {each:.2} µs a message"));
    let page = format!(
        "{:.0} µs, p99 {:.0} µs",
        micros(median(pages.clone())),
        micros(percentile_99(pages))
    );
    row("last page of 50, first read of an open file", size, page);
}

/// Forks of a conversation of a thousand messages; so many that memory is seen to grow.
fn forks(runtime: &Runtime) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("forks.db");
    let (engine, _session, main) = runtime.block_on(create(&path, 1_000));
    runtime.block_on(main.view()).expect("the branch can be read");
    runtime.block_on(engine.close()).expect("the file can be closed");
    let kept = file_bytes(&path);
    let engine = Engine::open(&path).expect("the file can be opened");
    let main =
        runtime.block_on(engine.open_session("bench")).expect("it is there").default_branch();
    runtime.block_on(main.view()).expect("the branch can be read");
    let resident = resident_bytes(None);
    let forks: Arc<[Branch]> = runtime.block_on(async {
        let mut forks = Vec::new();
        for number in 0..FORKS {
            forks.push(main.fork(format!("fork-{number}")).await.expect("it can be forked"));
        }
        forks.into()
    });
    let memory = resident_bytes(None).saturating_sub(resident);
    runtime.block_on(engine.close()).expect("the file can be closed");
    let disk = file_bytes(&path).saturating_sub(kept);
    let per_thousand = |bytes: u64| bytes * 1_000 / FORKS / 1_024;
    let (memory, disk) = (per_thousand(memory), per_thousand(disk));
    row("1,000 of 20,000 forks", 1_000, format!("{memory} KiB of memory, {disk} KiB on disk"));
    drop(forks);
}
