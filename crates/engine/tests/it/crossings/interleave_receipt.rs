use std::time::Duration;

use crate::support::{says, timed};

/// Messages that are laid anew still say by which mail they came.
#[tokio::test]
async fn what_a_mail_brought_is_still_known_to_come_by_it_after_a_merge_in_order_of_time() {
    let (session, clock) = timed().await;
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
