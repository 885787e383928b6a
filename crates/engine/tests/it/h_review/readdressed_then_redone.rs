use crate::support::{session, texts};

/// docs/reference/mail.md: a receipt that is redone: the mail "is `applied` again, whatever became of it since".
#[tokio::test]
async fn one_delivery_is_not_taken_in_by_two_branches() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let other = session.create_branch("other").await.unwrap();
    let mail = other.send(&main, "fact").await.unwrap();
    main.receive().await.unwrap();
    main.undo().await.unwrap();
    let fork = main.fork("fork").with_mail().await.unwrap();
    main.redo().await.unwrap();
    fork.receive().await.unwrap();
    let have = [texts(&main).await.len(), texts(&fork).await.len()];
    assert_eq!(have.iter().sum::<usize>(), 1, "one delivery, taken in by {have:?}");
    assert!(main.receipt(mail.id).await.is_ok());
}
