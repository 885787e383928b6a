use branchwork::{core::message::Body, merge::MergePolicy};

use crate::support::{says, session, texts};

/// An edit of a message is not written onto a mailed summary of it.
#[tokio::test]
async fn an_edit_that_comes_over_is_not_written_onto_a_mailed_summary() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let ids = main.append_all(["1", "2"].map(says).into()).await.unwrap().messages;
    let (folder, editor) = (main.fork("folder").await.unwrap(), main.fork("editor").await.unwrap());
    let summary = folder.fold(ids[0], ids[1], "1 and 2").await.unwrap();
    folder.send(&main, summary).await.unwrap();
    main.receive().await.unwrap();
    editor.edit(ids[0], Body::instruction("one")).await.unwrap();
    session.merge(&editor).into(&main).policy(MergePolicy::Theirs).await.unwrap();
    assert_eq!(texts(&main).await, ["one", "2", "1 and 2"]);
}
