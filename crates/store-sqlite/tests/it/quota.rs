//! A disk that is full.

use branchwork_core::store::StoreError;
use branchwork_store_sqlite::SqliteOptions;
use branchwork_testkit::bench::{Bench, Line};

use crate::support::Place;

/// Says `text` until there is no room. Returns how often there was.
async fn fill(bench: &Bench, line: &mut Line, text: &str) -> usize {
    for count in 0..10_000 {
        let (commit, after) = bench.saying(line, &[text]);
        match bench.store.commit(commit).await {
            Ok(()) => *line = after,
            Err(StoreError::Full { .. }) => return count,
            Err(other) => panic!("expected that it is full, got {other:?}"),
        }
    }
    panic!("it is never full");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_room_is_all_it_needs() {
    let place = Place::new();
    let quota = SqliteOptions::new().with_max_pages(40);
    let bench = Bench::new(place.open_with(&quota));
    let mut line = bench.start().await;
    let text = "one kilobyte ".repeat(80);
    let said = fill(&bench, &mut line, &text).await;
    assert!(said > 30, "{said}");
    // It stays full, large bodies too, and can be read.
    assert_eq!(fill(&bench, &mut line, &text).await, 0);
    assert_eq!(fill(&bench, &mut line, &text.repeat(50)).await, 0);
    assert_eq!(bench.texts(&line).await, vec![text.clone(); said]);
    bench.verify().await;
    bench.store.close().await.expect("it closes");
    let bench = Bench::in_space(place.open(), 1);
    bench.say(&mut line, &[&text, "more"]).await;
    let record = bench.branch(&line).await;
    assert_eq!(
        (record.messages, record.head),
        (u32::try_from(said + 2).expect("few"), line.head())
    );
    bench.verify().await;
}

#[tokio::test]
async fn deleting_makes_room() {
    let place = Place::new();
    let bench = Bench::new(place.open_with(&SqliteOptions::new().with_max_pages(60)));
    let mut kept = bench.start().await;
    let fork = bench.fork(&kept, "fork", None).await;
    let mut gone = fork.clone();
    let said = fill(&bench, &mut gone, &"one kilobyte ".repeat(80)).await;
    let delete = branchwork_core::store::Change::DeleteBranch { branch: gone.branch, heir: None };
    bench.write(bench.commit(gone.session).with_change(delete)).await;
    let report = bench.store.gc().await.expect("it is collected");
    assert_eq!(report.ops, said as u64);
    bench.say(&mut kept, &[&"one kilobyte ".repeat(80), "more"]).await;
    bench.verify().await;
}
