use branchwork::{core::limits::TOOL_OUTPUT_BYTES_MAX, mail::MailTools, tools::ToolSelection};
use branchwork_testkit::Script;

use crate::support::session;

/// A mail that is too long for a model waits for the program, and keeps no other from being read.
#[tokio::test]
async fn a_mail_that_is_too_large_for_a_model_keeps_no_other_from_it() {
    let read = || Script::calls([("c1", "read_mail", "{}")]);
    let scripts = [read(), read(), read(), Script::text("Nothing.")];
    let (session, _) = session(scripts).await;
    session.register_source(MailTools::new(session.engine())).unwrap();
    let main = session.default_branch();
    let other = session.create_branch("other").await.unwrap();
    other.send(&main, "x".repeat(TOOL_OUTPUT_BYTES_MAX + 1)).await.unwrap();
    other.send(&main, "small").await.unwrap();
    let reply = main.chat("Read").with_tools(ToolSelection::All).await.unwrap();
    let shown: Vec<_> = reply.results.iter().map(|result| result.text()).collect();
    assert!(shown.iter().any(|text| text.contains("small")), "{shown:?}");
}
