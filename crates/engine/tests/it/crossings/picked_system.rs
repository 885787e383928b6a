use branchwork::{BaseBranch as _, core::message::Role};

use crate::support::{says, session};

/// A branch has one system message, also when another is picked.
#[tokio::test]
async fn a_target_has_one_system_message() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    main.set_system("Be brief.").await.unwrap();
    main.append(says("1")).await.unwrap();
    let other = session.create_branch("other").await.unwrap();
    other.set_system("Rhyme.").await.unwrap();
    let lead = other.view().await.unwrap().messages().next().unwrap().id;
    session.cherry_pick(&other, [lead]).into(&main).await.unwrap();
    let view = main.view().await.unwrap();
    let systems = view.messages().filter(|message| message.role() == Role::System).count();
    assert_eq!(systems, 1);
}
