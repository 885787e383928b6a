use branchwork::{BaseBranch as _, core::message::Role};

use crate::support::{says, session, texts};

/// A system message that leads the conversation leads it in a mail too.
#[tokio::test]
async fn a_system_message_that_was_put_first_later_is_mailed_first() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let other = session.create_branch("other").await.unwrap();
    let id = main.append(says("1")).await.unwrap().messages[0];
    main.set_system("Be brief.").await.unwrap();
    let view = main.view().await.unwrap();
    let lead = view.messages().find(|message| message.role() == Role::System).unwrap().id;
    main.send(&other, vec![lead, id]).await.unwrap();
    other.receive().await.unwrap();
    assert_eq!(texts(&other).await, texts(&main).await);
}
