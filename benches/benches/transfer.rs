//! Finding, and carrying in and out: filters, searches, archives, tables, over N.

use std::{io::BufReader, path::Path, time::Duration};

use branchwork::{
    Branch, Engine, Session,
    archive::ImportOptions,
    core::{
        clock::Timestamp,
        filter::{Case, Filter, Keyword},
        graph::{Extent, StepWriter, View},
        message::{Body, Draft, Role},
        store::Search,
    },
    table::{Format, TableOptions},
};
use branchwork_benches::{
    measure::{median, resident_bytes, timed, timed_async},
    report, text,
};
use branchwork_testkit::SequentialIds;
use rusqlite::Connection;
use tokio::runtime::{Builder, Runtime};

const SIZES: [u64; 3] = [1_000, 10_000, 100_000];
/// How often each is done.
const ROUNDS: usize = 9;
/// Sessions that the messages are spread over.
const SESSIONS: u64 = 20;

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    report::head(&["what", "N", "figure"]);
    measure("filters", filters);
    measure("searches", |size| searches(&runtime, size));
    measure("archives", |size| archives(&runtime, size));
    measure("tables", |size| tables(&runtime, size));
}

/// Runs `work` for every size, unless the command line names something else:
/// `cargo bench --bench transfer -- searches`.
fn measure(name: &str, work: impl Fn(u64)) {
    let mut named =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    if named.peek().is_none() || named.any(|argument| argument == name) {
        SIZES.into_iter().for_each(work);
    }
}

fn row(what: &str, size: u64, figure: impl std::fmt::Display) {
    report::row(&[&what, &size, &figure]);
}

fn repeated<T>(mut work: impl FnMut() -> T) -> Duration {
    median((0..ROUNDS).map(|_| timed(&mut work).1).collect())
}

fn count(size: u64) -> f64 {
    f64::from(u32::try_from(size).unwrap_or(u32::MAX))
}

/// Messages in turn of a user and a model, a KiB each.
fn draft(number: u64) -> Draft {
    let text = text::kibibyte(number);
    let body =
        if number.is_multiple_of(2) { Body::instruction(text) } else { Body::response(text) };
    Draft::new(body).with_sender(if number.is_multiple_of(10) { "ada" } else { "bob" })
}

/// What can be selected of a view in memory.
fn filters(size: u64) {
    let ids = SequentialIds::default();
    let mut step = StepWriter::after(View::default(), None, &ids, Timestamp::default());
    for number in 0..size {
        step.message(draft(number)).expect("a message can follow");
    }
    let (_, view) = step.finish(Extent::Whole);
    let rate = |filter: &Filter| {
        let time = repeated(|| view.select(filter).count());
        count(size) / time.as_secs_f64()
    };
    let millions = |rate: f64| format!("{:.0} million messages/s", rate / 1e6);
    row("filter by role", size, millions(rate(&Filter::new().with_role(Role::User))));
    row("filter by sender", size, millions(rate(&Filter::new().with_sender("ada"))));
    let gigabytes = |keyword: Keyword| {
        let rate = rate(&Filter::new().with_keyword(keyword));
        format!("{:.2} GB/s", rate * 1_024.0 / 1e9)
    };
    for (what, case) in [("exact", Case::Exact), ("any case", Case::Ignored)] {
        let keyword = Keyword::text("nowhere to be found", case).expect("it can be looked for");
        row(&format!("keyword nobody says, {what}"), size, gigabytes(keyword));
        let keyword = Keyword::text("message 17:", case).expect("it can be looked for");
        row(&format!("keyword one says, {what}"), size, gigabytes(keyword));
    }
    let pattern = Keyword::pattern("zebra|xylophone", Case::Exact).expect("it is a pattern");
    row("pattern nobody matches", size, gigabytes(pattern));
}

async fn fill(session: &Session, numbers: std::ops::Range<u64>) -> Branch {
    let main = session.default_branch();
    let mut number = numbers.start;
    while number < numbers.end {
        let end = numbers.end.min(number + 1_000);
        let drafts = (number..end).map(draft).collect();
        main.append_all(drafts).await.expect("messages can be appended");
        number = end;
    }
    main
}

/// Searches of a file: the first page of 50, when the index is up to date.
fn searches(runtime: &Runtime, size: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chats.db");
    runtime.block_on(async {
        let engine = Engine::open(&path).expect("the file can be made");
        let each = size / SESSIONS;
        for part in 0..SESSIONS {
            let session = engine.session(format!("s{part}")).create().await.expect("it is made");
            fill(&session, part * each..(part + 1) * each).await;
        }
        let before = bytes(&path);
        let find = async |text: &str| {
            engine.search(&Search::new(text)).await.expect("it is searched").len()
        };
        let (_, first) = timed_async(find("juniper quarry")).await;
        row("full-text search, the very first", size, millis(first));
        let mut searches = 1_u64;
        while searches * 16_000 < size {
            find("juniper quarry").await;
            searches += 1;
        }
        for (what, text) in [
            ("a word in every message", "juniper"),
            ("two words in a row", "juniper quarry"),
            ("a word in one message", &format!("message {}:", size / 2)),
            ("a word in none", "xylophone"),
            ("two letters", "zq"),
        ] {
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                times.push(timed_async(find(text)).await.1);
            }
            row(&format!("full-text search, {what}"), size, millis(median(times)));
        }
        let grown = bytes(&path).saturating_sub(before);
        row("index, bytes a message", size, grown / size);
        engine.close().await.expect("it closes");
    });
}

fn bytes(path: &Path) -> u64 {
    let wal = path.with_extension("db-wal");
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    length(path) + length(&wal)
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn rate(size: u64, time: Duration) -> String {
    let megabytes = count(size) * 1_024.0 / 1e6;
    format!("{:.0} MB/s of text", megabytes / time.as_secs_f64())
}

/// An archive out of a file, and into memory and a file.
fn archives(runtime: &Runtime, size: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(async {
        let engine = Engine::open(folder.path().join("chats.db")).expect("the file can be made");
        let session = engine.session("bench").create().await.expect("a session can be made");
        fill(&session, 0..size).await;
        let archive = folder.path().join("session.jsonl");
        let before = resident_bytes(None);
        let mut times = Vec::new();
        for _ in 0..3 {
            let mut file = std::fs::File::create(&archive).expect("it can be made");
            let (_, time) = timed_async(session.export(&mut file)).await;
            times.push(time);
        }
        row("archive export from a file", size, rate(size, median(times)));
        let grown = resident_bytes(None).saturating_sub(before) / 1_024;
        row("archive export, memory that grew", size, format!("{grown} KiB"));
        import(&archive, size, "memory", |_| Engine::in_memory()).await;
        let open = |round: usize| {
            let path = folder.path().join(format!("copy{round}.db"));
            Engine::open(path).expect("the file can be made")
        };
        let before = resident_bytes(None);
        import(&archive, size, "a file", open).await;
        let grown = resident_bytes(None).saturating_sub(before) / 1_024;
        row("archive import into a file, memory that grew", size, format!("{grown} KiB"));
        let times = (0..3).map(|round| raw(&folder.path().join(format!("raw{round}.db")), size));
        row("raw inserts of as much text", size, rate(size, median(times.collect())));
    });
}

/// As many rows of as much text in a table as plain as can be, in as many transactions, synced alike.
fn raw(path: &Path, size: u64) -> Duration {
    let db = Connection::open(path).expect("the file can be made");
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE row(key INTEGER PRIMARY KEY, head TEXT NOT NULL, body TEXT NOT NULL);",
    )
    .expect("the table can be made");
    let texts: Vec<String> = (0..size).map(text::kibibyte).collect();
    let insert = || {
        for batch in texts.chunks(2_000) {
            db.execute_batch("BEGIN IMMEDIATE").expect("it begins");
            let mut insert = db.prepare_cached("INSERT INTO row(head, body) VALUES (?1, ?2)");
            let insert = insert.as_mut().expect("it is prepared");
            for text in batch {
                let head = r#"{"step":"continues","kind":{"message":{"sender":"bob"}}}"#;
                insert.execute((head, text)).expect("it is inserted");
            }
            db.execute_batch("COMMIT").expect("it ends");
        }
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
            .expect("it is written back");
    };
    timed(insert).1
}

async fn import(archive: &Path, size: u64, into: &str, open: impl Fn(usize) -> Engine) {
    let mut times = Vec::new();
    for round in 0..3 {
        let engine = open(round);
        let mut file = BufReader::new(std::fs::File::open(archive).expect("it is there"));
        let options = ImportOptions::new();
        let (imported, time) = timed_async(engine.import(&mut file, &options)).await;
        assert!(imported.is_ok_and(|imported| imported.messages == size), "all of it");
        engine.close().await.expect("it closes");
        times.push(time);
    }
    row(&format!("archive import into {into}"), size, rate(size, median(times)));
}

/// A table out of memory, and into a file.
fn tables(runtime: &Runtime, size: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(async {
        let session = Engine::in_memory().session("bench").create().await.expect("it is made");
        let main = fill(&session, 0..size).await;
        for (what, format) in [("CSV", Format::Csv), ("JSON Lines", Format::JsonLines)] {
            let rows = main.rows().await.expect("they are read");
            let mut table = Vec::new();
            let (written, out) = timed(|| format.write(rows, &mut table));
            written.expect("it is written");
            row(&format!("{what} export from memory"), size, millis(out));
            let mut times = Vec::new();
            for round in 0..3 {
                let path = folder.path().join(format!("{what}{round}.db"));
                let engine = Engine::open(path).expect("the file can be made");
                let session = engine.session("copy").create().await.expect("it is made");
                let copy = session.default_branch();
                let mut rest = &table[..];
                let options = TableOptions::new();
                let (imported, time) =
                    timed_async(copy.import_table(format, &mut rest, &options)).await;
                assert!(imported.is_ok_and(|imported| imported.messages == size), "all of it");
                engine.close().await.expect("it closes");
                times.push(time);
            }
            row(&format!("{what} import into a file"), size, millis(median(times)));
        }
    });
}
