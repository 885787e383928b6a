use crate::support::{session, texts};

/// What an heir gets overtakes nothing that the same sender has queued for it.
#[tokio::test]
async fn inherited_mail_does_not_overtake_queued_mail_of_the_same_sender() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let heir = session.create_branch("heir").await.unwrap();
    let leaver = session.create_branch("leaver").await.unwrap();
    main.send(&heir, "first").queued().await.unwrap();
    main.send(&leaver, "second").queued().await.unwrap();
    leaver.delete_with_heir(&heir).await.unwrap();
    heir.receive().await.unwrap();
    session.collect_send_all().await.unwrap();
    heir.receive().await.unwrap();
    assert_eq!(texts(&heir).await, ["first", "second"]);
}
