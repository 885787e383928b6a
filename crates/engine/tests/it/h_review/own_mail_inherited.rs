use crate::support::{session, texts};

/// What `main` asked the scout comes back as something that `main` was told.
#[tokio::test]
async fn a_branch_is_not_told_what_it_said_itself() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let scout = main.fork("scout").await.unwrap();
    main.send(&scout, "Are you there?").await.unwrap();
    session.merge(&scout).into(&main).delete_source().await.unwrap();
    main.receive().await.unwrap();
    assert_eq!(texts(&main).await, Vec::<String>::new());
}
