//! The index of searches: when it grows, what it finds, when it goes.

use std::sync::Arc;

use branchwork_core::{
    clock::{Clock as _, Timestamp},
    store::{Change, Search, Store as _},
};
use branchwork_store_sqlite::{SqliteOptions, SqliteStore};
use branchwork_testkit::bench::{Bench, Line, say};

use crate::support::Place;

/// Messages that are in the index.
fn indexed(place: &Place) -> u32 {
    let count = "SELECT count(*) FROM search_doc";
    place.sql().query_row(count, (), |row| row.get(0)).expect("it is counted")
}

async fn found(store: &SqliteStore, text: &str) -> Vec<String> {
    let hits = store.search(&Search::new(text)).await.expect("it is searched");
    hits.into_iter().map(|hit| hit.snippet).collect()
}

/// Appends numbered messages, all at one time.
async fn fill(bench: &Bench, line: &mut Line, numbers: std::ops::Range<u32>) {
    bench
        .append(line, |writer| {
            numbers.clone().for_each(|number| say(writer, &format!("message no {number}.")));
        })
        .await;
}

#[tokio::test]
async fn a_search_takes_what_is_much_into_the_index_and_looks_at_what_is_little() {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut line = bench.start().await;
    fill(&bench, &mut line, 0..200).await;
    assert_eq!(found(&store, "no 7.").await, ["message no 7."]);
    assert_eq!(indexed(&place), 0, "so few are looked at");
    bench.wait();
    fill(&bench, &mut line, 200..3_500).await;
    assert_eq!(found(&store, "no 1234.").await, ["message no 1234."]);
    assert!(indexed(&place) >= 3_500 - 256, "{}", indexed(&place));
    bench.wait();
    fill(&bench, &mut line, 3_500..3_600).await;
    let before = indexed(&place);
    assert_eq!(found(&store, "NO 3599.").await, ["message no 3599."]);
    assert_eq!(indexed(&place), before, "what came since is looked at");
    // Two letters are too few for the index: everything is looked at.
    assert_eq!(found(&store, "7.").await.len(), 50);
    // Other processes use it as it is, also those that cannot write.
    let reader = place.open_with(&SqliteOptions::new().with_read_only());
    assert_eq!(found(&reader, "no 1234.").await, ["message no 1234."]);
    bench.verify().await;
}

#[tokio::test]
async fn the_newest_hits_come_first_whatever_was_indexed_first() {
    let place = Place::new();
    let store = place.open_with(&SqliteOptions::new().with_scanned_max(0));
    let bench = Bench::new(Arc::<SqliteStore>::clone(&store));
    let mut newer = bench.start().await;
    let now = bench.clock.now().as_micros();
    let at = |micros: i64| bench.clock.set(Timestamp::from_micros(now + micros));
    // More messages of one time than a time has numbers push those of the next times away.
    at(1_000);
    fill(&bench, &mut newer, 0..2_000).await;
    assert_eq!(found(&store, "no 1999.").await, ["message no 1999."]);
    let mut older = bench.start().await;
    for micros in [1_003, 1_001, 999, 1_002] {
        at(micros);
        bench.say(&mut older, &[&format!("message of {micros}")]).await;
    }
    let first: Vec<_> = found(&store, "message").await.into_iter().take(4).collect();
    assert_eq!(first[..3], ["message of 1003", "message of 1002", "message of 1001"]);
    assert_eq!(first[3], "message no 0.");
    assert_eq!(found(&store, "of 999").await, ["message of 999"]);
    // Times at the ends of time have their place too.
    for micros in [i64::MAX - now, i64::MIN] {
        at(micros);
        bench.say(&mut older, &["at the end"]).await;
    }
    assert_eq!(found(&store, "the end").await.len(), 2);
    bench.verify().await;
}

#[tokio::test]
async fn what_is_collected_goes_from_the_index_also_when_its_keys_are_given_again() {
    let place = Place::new();
    let store = place.open_with(&SqliteOptions::new().with_scanned_max(0));
    let bench = Bench::new(Arc::<SqliteStore>::clone(&store));
    let mut kept = bench.start().await;
    bench.say(&mut kept, &["kept for good"]).await;
    let mut gone = bench.start().await;
    bench.say(&mut gone, &["a secret", "kept secret"]).await;
    assert_eq!(found(&store, "secret").await.len(), 2);
    bench.write(bench.commit(gone.session).with_change(Change::DeleteSession)).await;
    assert_eq!(found(&store, "secret").await.len(), 0);
    assert_eq!(found(&store, "kept").await, ["kept for good"]);
    store.gc().await.expect("it is collected");
    assert_eq!(indexed(&place), 0);
    let mut again = bench.start().await;
    bench.say(&mut again, &["harmless", "words"]).await;
    assert_eq!(found(&store, "secret").await.len(), 0);
    assert_eq!(found(&store, "harmless").await, ["harmless"]);
    assert_eq!(found(&store, "kept").await, ["kept for good"]);
    bench.verify().await;
}

#[tokio::test]
async fn an_index_that_says_too_much_is_a_problem_that_verify_finds() {
    for (sql, problem) in [
        ("UPDATE search_doc SET key = key + 999", "names 2 messages that are not there"),
        ("UPDATE search_mark SET places = 9", "names 1 stretches that are not there"),
        ("DELETE FROM search_mark", "names 2 messages of stretches that it does not know"),
    ] {
        let place = Place::new();
        let store = place.open_with(&SqliteOptions::new().with_scanned_max(0));
        let bench = Bench::new(Arc::<SqliteStore>::clone(&store));
        let mut line = bench.start().await;
        bench.say(&mut line, &["one needle", "two needles"]).await;
        assert_eq!(found(&store, "needle").await.len(), 2);
        place.sql().execute_batch(sql).expect("it is damaged");
        let report = store.verify().await.expect("it is verified");
        assert!(report.problems.iter().any(|found| found.contains(problem)), "{report:?}");
    }
}
