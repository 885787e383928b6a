//! What is at the path: nothing, something else, something newer, something that must not change.

use std::fs;

use branchwork_core::store::{Store as _, StoreError};
use branchwork_store_sqlite::{SqliteOptions, SqliteStore};
use branchwork_testkit::bench::Bench;
use rusqlite::Connection;

use crate::support::{Place, refusal};

/// Checks that the file is refused because of `problem`, and stays what it is.
fn check_refused(place: &Place, problem: &str) {
    let before = (fs::read(&place.path).expect("it is there"), place.names());
    let refused = refusal(&place.path);
    assert!(refused.contains(problem), "{refused}");
    assert!(refused.contains("chats.db"), "{refused}");
    let after = (fs::read(&place.path).expect("it is there"), place.names());
    assert!(before == after, "the file was touched: {problem}");
}

#[test]
fn a_new_file_is_private() {
    let place = Place::new();
    place.open();
    #[cfg(unix)]
    for name in place.names() {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = fs::metadata(place.beside(&name)).expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_path_that_cannot_be_a_file_is_refused() {
    let place = Place::new();
    let directory = refusal(place.path.parent().expect("it has one"));
    assert!(directory.contains("is a directory"), "{directory}");
    let missing = place.beside("missing").join("chats.db");
    let refused = refusal(&missing);
    assert!(refused.contains(&*missing.to_string_lossy()), "{refused}");
    assert_eq!(place.names(), Vec::<String>::new());
}

#[test]
fn a_file_that_is_no_database_is_refused_and_untouched() {
    let place = Place::new();
    for content in ["x", "Dear diary,\n", &"not a database ".repeat(1_000)] {
        fs::write(&place.path, content).expect("it is written");
        check_refused(&place, "is not a database");
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_untouched() {
    let mark = "PRAGMA application_id = 7";
    for sql in ["CREATE TABLE op (key INTEGER)", mark, "PRAGMA user_version = 3"] {
        for journal in ["DELETE", "WAL"] {
            let place = Place::new();
            let db = place.sql();
            db.pragma_update(None, "journal_mode", journal).expect("it is set");
            db.execute_batch(sql).expect("it is written");
            drop(db);
            check_refused(&place, "of another program");
        }
    }
    // Its newest content is still in the log beside it.
    let place = Place::new();
    let db = place.sql();
    db.pragma_update(None, "journal_mode", "WAL").expect("it is set");
    db.execute_batch("CREATE TABLE op (key INTEGER)").expect("it is written");
    check_refused(&place, "of another program");
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_refused_and_untouched() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", &"two".repeat(5_000)]).await;
    store.close().await.expect("it closes");
    let whole = fs::read(&place.path).expect("it is there");
    for length in [whole.len() - 1, whole.len() / 2, 5_000, 100] {
        fs::write(&place.path, &whole[..length]).expect("it is written");
        check_refused(&place, "is cut off");
    }
    fs::write(&place.path, &whole[..99]).expect("it is written");
    refusal(&place.path);
    fs::write(&place.path, &whole).expect("it is written");
    assert_eq!(place.open().branch(line.branch).await.expect("it is there").messages, 2);
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused_and_untouched() {
    let place = Place::new();
    place.open().close().await.expect("it closes");
    let db = place.sql();
    db.pragma_update(None, "user_version", 1_000).expect("it is set");
    drop(db);
    for options in [SqliteOptions::new(), SqliteOptions::new().with_read_only()] {
        let before = fs::read(&place.path).expect("it is there");
        let refused = SqliteStore::open_with(&place.path, &options);
        assert!(matches!(refused, Err(StoreError::TooNew { found: 1_000, .. })), "{refused:?}");
        assert!(before == fs::read(&place.path).expect("it is there"));
        assert_eq!(place.names(), ["chats.db"]);
    }
}

#[tokio::test]
async fn an_empty_file_and_an_empty_database_become_stores() {
    let place = Place::new();
    fs::write(&place.path, "").expect("it is written");
    place.open().close().await.expect("it closes");
    let place = Place::new();
    let db = place.sql();
    db.execute_batch("PRAGMA journal_mode = WAL; VACUUM").expect("it is written");
    drop(db);
    assert!(!fs::read(&place.path).expect("it is there").is_empty());
    let store = place.open();
    assert_eq!(store.sessions().await.expect("none"), []);
    store.close().await.expect("it closes");
}

#[test]
fn a_file_that_must_exist_is_not_made() {
    let place = Place::new();
    for options in [SqliteOptions::new().with_must_exist(), SqliteOptions::new().with_read_only()] {
        let refused = SqliteStore::open_with(&place.path, &options);
        assert!(matches!(refused, Err(StoreError::CannotOpen { .. })), "{refused:?}");
    }
    assert_eq!(place.names(), Vec::<String>::new());
}

#[tokio::test]
async fn a_read_only_store_reads_and_refuses_to_write() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut line = bench.start().await;
    bench.say(&mut line, &["one"]).await;
    let reader = Bench::new(place.open_with(&SqliteOptions::new().with_read_only()));
    assert_eq!(reader.texts(&line).await, ["one"]);
    // It sees what others write.
    bench.say(&mut line, &["two"]).await;
    assert_eq!(reader.texts(&line).await, ["one", "two"]);
    let (commit, _) = reader.saying(&line, &["three"]);
    for refused in [reader.store.commit(commit).await.err(), reader.store.gc().await.err()] {
        assert!(matches!(refused, Some(StoreError::ReadOnly { .. })), "{refused:?}");
    }
    reader.verify().await;
    reader.store.close().await.expect("it closes");
    store.close().await.expect("it closes");
    assert_eq!(place.names(), ["chats.db"]);
}

#[tokio::test]
async fn paths_with_odd_names_work() {
    let place = Place::new();
    for name in ["a b.db", "100%.db", "what?.db", "#1.db", "file:x.db", "日記.db"] {
        let path = place.beside(name);
        let store = SqliteStore::open(&path).expect("the store opens");
        store.close().await.expect("it closes");
        let again = SqliteOptions::new().with_must_exist();
        let store = SqliteStore::open_with(&path, &again).expect("the store opens");
        store.backup(&place.beside(&format!("copy of {name}"))).await.expect("it is copied");
        store.close().await.expect("it closes");
        // A database of another program is looked at through a URI.
        let other = place.beside(&format!("other {name}"));
        let db = Connection::open(&other).expect("it opens");
        db.execute_batch("CREATE TABLE other (key INTEGER)").expect("it is written");
        drop(db);
        assert!(refusal(&other).contains("of another program"));
    }
}

#[test]
fn the_linked_database_is_new_enough() {
    assert!(rusqlite::version_number() >= branchwork_store_sqlite::SQLITE_VERSION_MIN);
}
