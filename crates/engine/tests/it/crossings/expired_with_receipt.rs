use std::time::Duration;

use branchwork::mail::{MailPlace, MailQuery};

use crate::support::timed;

/// A mail that was taken in never expires, also when the receipt came with the history of another branch.
#[tokio::test]
async fn a_mail_whose_receipt_stands_does_not_expire() {
    let (session, clock) = timed().await;
    let main = session.default_branch();
    let other = session.create_branch("other").await.unwrap();
    let leaver = session.create_branch("leaver").await.unwrap();
    let letter = other.send([&main, &leaver], "fact").expires_in(Duration::from_mins(1));
    let mail = letter.await.unwrap();
    main.receive().await.unwrap();
    let fork = main.fork("fork").await.unwrap();
    leaver.delete_with_heir(&fork).await.unwrap();
    clock.advance(Duration::from_secs(61));
    fork.receive().await.unwrap();
    assert!(fork.view().await.unwrap().receipt(mail.id).is_some());
    let found = session.mail(&MailQuery::new().of(mail.id).to(fork.id())).await.unwrap();
    assert_eq!(found[0].state.place(), MailPlace::Applied);
}
