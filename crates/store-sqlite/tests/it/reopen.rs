//! What was read before a store was closed is read after it was opened again.

use branchwork_core::{mail::MailQuery, store::Store as _};
use branchwork_testkit::{
    bench::{Bench, sending},
    differential::{self, Action, actions},
};
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime;

use crate::support::Place;

#[test]
fn a_reopened_store_is_what_it_was() {
    let runtime = runtime::Builder::new_current_thread().build().expect("a runtime starts");
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&actions(), |actions| {
        runtime.block_on(check(&actions));
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
}

async fn check(actions: &[Action]) {
    let place = Place::new();
    let store = place.open();
    let world = differential::play(&*store, actions).await;
    let live = world.snapshot(&*store).await;
    store.close().await.expect("it closes");
    assert_eq!(place.names(), ["chats.db"]);
    let store = place.open();
    live.check_same(&world.snapshot(&*store).await);
    // Without an end: as a process does that is killed.
    drop(store);
    live.check_same(&world.snapshot(&*place.open()).await);
}

#[tokio::test]
async fn a_store_that_was_not_closed_lost_nothing() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", "two"]).await;
    // The copy is what the disk has while the first still runs.
    let copy = Place::new();
    for suffix in ["", "-wal"] {
        let from = place.beside(&format!("chats.db{suffix}"));
        std::fs::copy(from, copy.beside(&format!("chats.db{suffix}"))).expect("it is copied");
    }
    let crashed = copy.open();
    let branch = crashed.branch(line.branch).await.expect("it is there");
    assert_eq!((branch.head, branch.messages), (line.head(), 2));
    assert_eq!(crashed.verify().await.expect("it is verified").problems, Vec::<String>::new());
    store.close().await.expect("it closes");
}

#[tokio::test]
async fn a_file_from_before_there_was_mail_gets_a_place_for_it() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut line = bench.start().await;
    bench.say(&mut line, &["one"]).await;
    store.close().await.expect("it closes");
    let older = "DROP TABLE delivery; DROP TABLE mail; PRAGMA user_version = 4;";
    place.sql().execute_batch(older).expect("it is written");
    let store = place.open();
    assert!(place.beside("chats.db.backup-v4").exists());
    let bench = Bench::in_space(store, 1);
    assert_eq!(bench.texts(&line).await, ["one"]);
    let send = sending(&bench.mail(&line, "hello"), &[&line]);
    bench.write(bench.commit(line.session).with_mail([send])).await;
    assert_eq!(bench.deliveries(line.session, MailQuery::new()).await.len(), 1);
    bench.verify().await;
}
