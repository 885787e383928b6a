use branchwork::core::id::MailId;

use crate::support::session;

/// What is asked for by name and is not there is an error.
#[tokio::test]
async fn a_mail_that_is_asked_for_and_not_there_is_an_error() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let received = main.receive().only([MailId::from_bits(7)]).await;
    assert!(received.as_ref().is_ok_and(|all| !all.left.is_empty()) || received.is_err());
    let picked = session.cherry_pick(&main.fork("f").await.unwrap(), []).into(&main).await;
    assert!(picked.is_err(), "{picked:?}");
}
