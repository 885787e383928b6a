use std::sync::Arc;

use branchwork::{archive::ImportOptions, core::store::MemoryStore};

use crate::support::{engine_over, session};

/// `import` says: a session that is there already gets what it lacks.
#[tokio::test]
async fn the_whole_is_imported_over_a_part() {
    for mailed in [false, true] {
        let (session, _) = session([]).await;
        let main = session.default_branch();
        let (one, _two) = (main.fork("one").await.unwrap(), main.fork("two").await.unwrap());
        if mailed {
            main.broadcast("to all").await.unwrap();
        }
        let (mut part, mut whole) = (Vec::new(), Vec::new());
        session.export_branches(&[main.clone(), one], &mut part).await.unwrap();
        session.export(&mut whole).await.unwrap();
        let target = engine_over(Arc::new(MemoryStore::new()));
        target.import(&mut &part[..], &ImportOptions::new()).await.unwrap();
        let imported = target.import(&mut &whole[..], &ImportOptions::new()).await;
        assert!(imported.is_ok(), "mailed: {mailed}: {imported:?}");
    }
}
