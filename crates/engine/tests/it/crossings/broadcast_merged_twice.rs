use crate::support::{session, texts};

/// Two branches took the same mail in: what both bring to a third is there once.
#[tokio::test]
async fn a_broadcast_that_two_branches_took_in_comes_once_when_both_are_merged() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let (one, two) = (main.fork("one").await.unwrap(), main.fork("two").await.unwrap());
    let other = session.create_branch("other").await.unwrap();
    other.send([&one, &two], "fact").await.unwrap();
    one.receive().await.unwrap();
    two.receive().await.unwrap();
    session.merge(&one).into(&main).await.unwrap();
    session.merge(&two).into(&main).await.unwrap();
    assert_eq!(texts(&main).await, ["fact"]);
}
