use std::{sync::Arc, time::Duration};

use branchwork::{Engine, core::store::MemoryStore};
use branchwork_testkit::TestClock;

use crate::support::says;

/// Messages that are laid anew still say by which mail they came.
#[tokio::test]
async fn what_a_mail_brought_is_still_known_to_come_by_it_after_a_merge_in_order_of_time() {
    let clock = Arc::new(TestClock::new());
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::builder().store(store).clock(Arc::clone(&clock) as _).build();
    let session = engine.session("trip").create().await.unwrap();
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    let other = main.fork("other").await.unwrap();
    other.append(says("theirs")).await.unwrap();
    clock.advance(Duration::from_secs(1));
    let mail = other.send(&main, "fact").await.unwrap();
    main.receive().await.unwrap();
    session.merge(&other).into(&main).interleave().await.unwrap();
    let receipt = main.receipt(mail.id).await.unwrap().unwrap();
    assert_eq!(receipt.messages.len(), 1);
}
