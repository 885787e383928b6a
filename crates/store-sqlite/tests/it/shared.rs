//! Several stores on one file, as several processes have them.

use std::{sync::Arc, thread};

use branchwork_core::{
    mail::{MailPlace, MailQuery, MailState},
    store::{Conflict, StoreError},
};
use branchwork_store_sqlite::SqliteStore;
use branchwork_testkit::bench::{Bench, Line, conflict, sending};

use crate::support::Place;

#[tokio::test]
async fn the_loser_of_a_race_between_two_stores_learns_where_the_head_is() {
    let place = Place::new();
    let (first, _) = place.bench();
    let second = Bench::in_space(place.open(), 1);
    let mut line = first.start().await;
    first.say(&mut line, &["one"]).await;
    let (losing, _) = second.saying(&line, &["lost"]);
    first.say(&mut line, &["two"]).await;
    let moved = Conflict::HeadMoved { branch: line.branch, actual: line.head() };
    assert_eq!(conflict(second.store.commit(losing).await), moved);
    second.say(&mut line, &["three"]).await;
    assert_eq!(first.texts(&line).await, ["one", "two", "three"]);
    assert_eq!(second.texts(&line).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn two_stores_number_mail_together_and_one_of_them_decides_on_it() {
    let place = Place::new();
    let (first, _) = place.bench();
    let second = Bench::in_space(place.open(), 1);
    let line = first.start().await;
    for bench in [&first, &second, &first] {
        let send = sending(&bench.mail(&line, "hello"), &[&line]);
        bench.write(bench.commit(line.session).with_mail([send])).await;
    }
    let found = first.deliveries(line.session, MailQuery::new()).await;
    assert_eq!(found, second.deliveries(line.session, MailQuery::new()).await);
    assert_eq!(found.iter().map(|one| one.no).collect::<Vec<_>>(), [1, 2, 3]);
    let mail = &found[1].mail;
    let expire = second.moving(mail, &line, (MailState::Inbox, MailState::Expired));
    let (receive, _) = first.receiving(&line, mail);
    second.write(second.commit(line.session).with_mail([expire])).await;
    let (recipient, actual) = (line.branch, Some(MailPlace::Expired));
    let moved = Conflict::MailMoved { mail: mail.id, recipient, actual };
    assert_eq!(conflict(first.store.commit(receive).await), moved);
    assert_eq!(first.branch(&line).await.head, None);
    first.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_that_write_at_once_both_get_on() {
    let place = Place::new();
    let (bench, _) = place.bench();
    let shared = bench.start().await;
    let writers: Vec<_> = (1..=2)
        .map(|space| {
            let (store, shared) = (place.open(), shared.clone());
            thread::spawn(move || write_many(space, store, &shared))
        })
        .collect();
    for writer in writers {
        writer.join().expect("the writer does not panic");
    }
    let record = bench.branch(&shared).await;
    assert_eq!((record.messages, record.revision), (40, 41));
    let session = bench.store.sessions().await.expect("they are listed");
    assert_eq!(session.len(), 3);
    bench.verify().await;
}

/// Writes to a session of its own and to the shared one in turn.
fn write_many(space: u32, store: Arc<SqliteStore>, shared: &Line) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it starts");
    runtime.block_on(async {
        let bench = Bench::in_space(store, space);
        let mut own = bench.start().await;
        for count in 0..20 {
            bench.say(&mut own, &["mine"]).await;
            let mut text = format!("{space}.{count}");
            while let Err(error) = say_shared(&bench, shared, &text).await {
                assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
                text.push('+');
            }
        }
        assert_eq!(bench.branch(&own).await.messages, 20);
    });
}

async fn say_shared(bench: &Bench, shared: &Line, text: &str) -> Result<(), StoreError> {
    let record = bench.branch(shared).await;
    let view = bench.view(shared.session, record.head).await;
    let line = Line { view, tip: record.tip, ..shared.clone() };
    bench.store.commit(bench.saying(&line, &[text]).0).await
}

#[test]
fn a_new_file_may_be_opened_by_many_at_once() {
    for _ in 0..8 {
        let place = Place::new();
        let openers: Vec<_> = (0..8)
            .map(|_| {
                let path = place.path.clone();
                thread::spawn(move || SqliteStore::open(path))
            })
            .collect();
        for opener in openers {
            opener.join().expect("it does not panic").expect("the store opens");
        }
    }
}

#[tokio::test]
async fn a_store_that_became_newer_meanwhile_is_not_written() {
    let place = Place::new();
    let (bench, _) = place.bench();
    let mut line = bench.start().await;
    bench.say(&mut line, &["one"]).await;
    place.sql().pragma_update(None, "user_version", 1_000).expect("it is set");
    let (commit, _) = bench.saying(&line, &["two"]);
    let refused = bench.store.commit(commit).await;
    assert!(matches!(refused, Err(StoreError::TooNew { found: 1_000, .. })), "{refused:?}");
    let refused = bench.store.gc().await;
    assert!(matches!(refused, Err(StoreError::TooNew { found: 1_000, .. })), "{refused:?}");
}
