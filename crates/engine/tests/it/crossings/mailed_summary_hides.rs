use crate::support::{says, session, texts};

/// A summary is not its first message: that comes with a merge, also when the summary was mailed before.
#[tokio::test]
async fn a_message_that_only_a_mailed_summary_tells_of_is_merged() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let other = session.create_branch("other").await.unwrap();
    let said = ["1", "2", "3"].map(says);
    let ids = other.append_all(said.into()).await.unwrap().messages;
    let summary = other.fold(ids[0], ids[1], "1 and 2").await.unwrap();
    other.send(&main, summary).await.unwrap();
    main.receive().await.unwrap();
    let merged = session.merge(&other).into(&main).await.unwrap();
    assert_eq!(texts(&main).await, ["1 and 2", "1", "2", "3"], "skipped {:?}", merged.skipped);
}
