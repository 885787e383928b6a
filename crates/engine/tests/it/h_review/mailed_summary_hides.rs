use crate::support::{says, session, texts};

/// docs/guide/merging.md: what the source "folded into a summary comes as it was said". A summary that was mailed
/// before makes its first message count as known.
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
