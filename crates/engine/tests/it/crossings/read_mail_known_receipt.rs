use branchwork::{mail::MailTools, tools::ToolSelection};
use branchwork_testkit::Script;

use crate::support::session;

/// What came with the history of another branch is not shown to a model again, and does not wait for ever.
#[tokio::test]
async fn what_read_mail_shows_does_not_stay_in_the_inbox() {
    let read = || Script::calls([("c1", "read_mail", "{}")]);
    let (session, _) = session([read(), Script::text("So."), read(), Script::text("Again.")]).await;
    session.register_source(MailTools::new(session.engine())).unwrap();
    let main = session.default_branch();
    let other = session.create_branch("other").await.unwrap();
    let fork = main.fork("fork").await.unwrap();
    let leaver = session.create_branch("leaver").await.unwrap();
    other.send([&fork, &leaver], "fact").await.unwrap();
    fork.receive().await.unwrap();
    let late = fork.fork("late").await.unwrap();
    leaver.delete_with_heir(&late).await.unwrap();
    late.chat("Read").with_tools(ToolSelection::All).await.unwrap();
    let second = late.chat("Read").with_tools(ToolSelection::All).await.unwrap();
    let shown = second.results[0].text();
    assert!(!shown.contains("fact"), "shown again: {shown}");
    assert!(late.inbox().await.unwrap().is_empty());
}
