use std::sync::Arc;

use branchwork::{core::store::Store, sqlite::SqliteStore};

use crate::support::engine_over;

/// 2000 receipts, then undo of one of them: only the one delivery is looked at (ADR 17).
#[tokio::test]
async fn undoing_one_receipt_does_not_look_at_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path().join("m.db")).unwrap()) as Arc<dyn Store>;
    let session = engine_over(store).session("trip").create().await.unwrap();
    let main = session.default_branch();
    let other = session.create_branch("other").await.unwrap();
    let mut took = Vec::new();
    for _ in 0..3 {
        session.post((0..3000).map(|_| other.send(&main, "x")).collect()).await.unwrap();
        main.receive().await.unwrap();
        other.send(&main, "last").await.unwrap();
        main.receive().await.unwrap();
        let begun = std::time::Instant::now();
        for _ in 0..20 {
            main.undo().await.unwrap();
            main.redo().await.unwrap();
        }
        took.push(begun.elapsed() / 40);
    }
    println!("{took:?}");
    assert!(took[2] < took[0] * 2, "{took:?}");
}
