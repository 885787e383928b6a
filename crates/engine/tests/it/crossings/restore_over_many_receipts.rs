use branchwork::mail::Package;

use crate::support::{says, session};

/// A head goes back over thousands of receipts in one move.
#[tokio::test]
async fn a_head_goes_back_over_more_receipts_than_one_commit_changes() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let other = session.create_branch("other").await.unwrap();
    let first = main.append(says("1")).await.unwrap().messages[0];
    for _ in 0..2 {
        let letter = || other.send(&main, Package::Signal("ping".to_owned()));
        session.post((0..5_001).map(|_| letter()).collect()).await.unwrap();
    }
    assert_eq!(main.receive().await.unwrap().taken.len(), 10_002);
    let went = main.rewind(first).await;
    assert!(went.is_ok(), "{went:?}");
}
