use branchwork::tools::{FunctionTool, ToolError, ToolSpec};
use branchwork_testkit::Script;
use serde_json::json;

use crate::support::session;

/// One branch that waits for a person keeps no other from its mail.
#[tokio::test]
async fn a_parked_branch_keeps_no_other_from_its_mail() {
    let (session, _) = session([Script::calls([("c1", "look", "{}")])]).await;
    let main = session.default_branch();
    let parameters = json!({ "type": "object" });
    let spec = ToolSpec { name: "look".to_owned(), description: "Looks.".to_owned(), parameters };
    let look = FunctionTool::dynamic(spec, async |_, _| Ok::<_, ToolError>(json!("sun")));
    main.register(look.with_approval()).unwrap();
    let other = session.create_branch("other").await.unwrap();
    main.chat("look").with_tools("look").await.unwrap_err();
    other.send(&main, "for main").await.unwrap();
    main.send(&other, "for other").await.unwrap();
    drop(session.receive_all().await);
    assert!(other.inbox().await.unwrap().is_empty());
}
