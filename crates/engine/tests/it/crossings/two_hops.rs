use crate::support::{session, texts};

/// A copy of a copy still says by which mail it came.
#[tokio::test]
async fn a_mail_comes_once_also_over_two_merges() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let (one, two) = (main.fork("one").await.unwrap(), main.fork("two").await.unwrap());
    let other = session.create_branch("other").await.unwrap();
    other.send([&main, &one], "fact").await.unwrap();
    main.receive().await.unwrap();
    one.receive().await.unwrap();
    session.merge(&one).into(&two).await.unwrap();
    session.merge(&two).into(&main).await.unwrap();
    assert_eq!(texts(&main).await, ["fact"]);
}
