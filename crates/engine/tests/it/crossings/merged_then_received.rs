use crate::support::{session, texts};

/// A mail whose text a merge brought is taken in without a second text.
#[tokio::test]
async fn a_mail_that_a_merge_brought_is_not_taken_in_again() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let scout = main.fork("scout").await.unwrap();
    let other = session.create_branch("other").await.unwrap();
    other.send([&main, &scout], "fact").await.unwrap();
    scout.receive().await.unwrap();
    session.merge(&scout).into(&main).await.unwrap();
    main.receive().await.unwrap();
    assert_eq!(texts(&main).await, ["fact"]);
}
