//! Copies of a store that is in use.

use std::fs;

use branchwork_core::store::{Store as _, StoreError};
use branchwork_store_sqlite::SqliteStore;
use branchwork_testkit::bench::Bench;

use crate::support::Place;

#[tokio::test]
async fn a_copy_is_what_the_store_was() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", &"large ".repeat(10_000)]).await;
    let copy = place.beside("copy.db");
    store.backup(&copy).await.expect("it is copied");
    bench.say(&mut line, &["after"]).await;
    let copied =
        Bench::in_space(std::sync::Arc::new(SqliteStore::open(&copy).expect("it opens")), 1);
    assert_eq!(copied.branch(&line).await.messages, 2);
    copied.verify().await;
    // The copy goes its own way.
    let mut other = copied.start().await;
    copied.say(&mut other, &["only here"]).await;
    assert_eq!(bench.texts(&line).await.len(), 3);
    copied.store.close().await.expect("it closes");
    store.close().await.expect("it closes");
    assert_eq!(place.names(), ["chats.db", "copy.db"]);
}

#[tokio::test]
async fn a_copy_made_while_others_write_is_whole() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut line = bench.start().await;
    let copies: Vec<_> = (0..5).map(|count| place.beside(&format!("copy {count}.db"))).collect();
    for copy in &copies {
        let text = "word ".repeat(500);
        let texts = [text.as_str(); 20];
        let (written, copied) =
            futures_util::future::join(bench.say(&mut line, &texts), store.backup(copy)).await;
        let () = written;
        copied.expect("it is copied");
    }
    for (copy, least) in copies.iter().zip(0..) {
        let copied = SqliteStore::open(copy).expect("it opens");
        let messages = copied.branch(line.branch).await.expect("it is there").messages;
        assert!(messages == least * 20 || messages == (least + 1) * 20, "{messages}");
    }
}

#[tokio::test]
async fn a_copy_never_takes_the_place_of_something() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut line = bench.start().await;
    bench.say(&mut line, &["one"]).await;
    let taken = place.beside("taken");
    fs::write(&taken, "mine").expect("it is written");
    let missing = place.beside("missing").join("copy.db");
    for to in [&taken, &place.path, &missing] {
        let refused = store.backup(to).await;
        assert!(matches!(refused, Err(StoreError::CannotOpen { .. })), "{refused:?}");
    }
    assert_eq!(fs::read_to_string(&taken).expect("it is there"), "mine");
    assert_eq!(bench.texts(&line).await, ["one"]);
    store.close().await.expect("it closes");
    assert_eq!(place.names(), ["chats.db", "taken"]);
}

#[tokio::test]
async fn a_damaged_store_gives_no_copy() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", "two"]).await;
    place.sql().execute_batch("UPDATE op SET standing = 7").expect("it is damaged");
    let refused = store.backup(&place.beside("copy.db")).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    store.close().await.expect("it closes");
    assert_eq!(place.names(), ["chats.db"]);
}
