//! Calls that wait for approval, on the command line.

use std::sync::Arc;

use branchwork::{Engine, Error, tool, tools::ToolError};
use branchwork_testkit::{Script, ScriptedProvider};
use serde_json::json;

use crate::support::Home;

/// Removes a file.
#[tool(ask)]
fn remove(name: String) -> Result<String, ToolError> {
    if name.is_empty() {
        return Err(ToolError::new("there is no such file"));
    }
    Ok(name + " is gone")
}

/// A program whose turn is parked in the home's file.
async fn program(home: &Home) -> Engine {
    std::fs::create_dir_all(home.db().parent().unwrap()).unwrap();
    let engine = Engine::open(home.db()).unwrap();
    let provider = Arc::new(ScriptedProvider::new());
    provider.push(
        Script::new()
            .with_start()
            .with_text("They look old.")
            .with_call(0, ("c1", "remove", r#"{"name":"a"}"#))
            .with_call(1, ("c2", "remove", r#"{"name":"b"}"#))
            .with_end(branchwork::core::provider::Finish::ToolCalls),
    );
    let session = engine.session("files").provider("local", provider).model("tiny");
    let session = session.create().await.unwrap();
    session.register(remove()).unwrap();
    let parked = session.default_branch().chat("Clean up.").with_tools("remove").await;
    assert!(matches!(parked, Err(Error::Parked { .. })));
    engine
}

#[tokio::test]
async fn calls_are_listed_shown_approved_and_denied() {
    let home = Home::new();
    let engine = program(&home).await;
    engine.close().await.unwrap();

    let list = home.run(&["approvals", "list"]).out;
    let lines =
        "files@main  c1  remove {\"name\":\"a\"}\nfiles@main  c2  remove {\"name\":\"b\"}\n";
    assert_eq!(list, lines);
    let waiting = home.json(&["approvals", "list", "files"]);
    assert_eq!(waiting, home.json(&["approvals", "list"]));
    assert_eq!(waiting, home.json(&["approvals", "list", "files@main"]));
    assert_eq!(waiting["waiting"][1]["arguments"], json!({ "name": "b" }));
    let shown = home.json(&["approvals", "show", "files", "c2"]);
    assert_eq!((&shown["asked"], &shown["said"]), (&"Clean up.".into(), &"They look old.".into()));
    let shown = home.run(&["approvals", "show", "files", "c2"]).out;
    assert!(shown.contains("arguments  {\"name\":\"b\"}\nasked      Clean up.\n"), "{shown}");

    let refused = home.run(&["approvals", "approve", "files", "c3"]);
    assert_eq!((refused.code, refused.out.as_str()), (3, ""));
    let refused = home.run(&["approvals", "approve", "files", "c1", "--arguments", "[]"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    let refused = home.run(&["approvals", "approve", "files", "c1", "c2", "--arguments", "{}"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(home.run(&["approvals", "approve", "files"]).code, 2);
    let asked = home.run(&["append", "files", "--role", "user", "And?"]);
    assert!(asked.code == 8 && asked.err.contains("calls wait for approval"), "{asked:?}");

    let args = ["approvals", "approve", "files", "c1", "--arguments", r#"{"name":"old"}"#];
    assert_eq!(home.json(&args), json!({ "approved": ["c1"], "waiting": ["c2"] }));
    let denied = home.run(&["approvals", "deny", "files", "--all", "--reason", "it is needed"]);
    assert_eq!(denied.out, "denied remove (c2)\n");
    assert_eq!(home.json(&["approvals", "list"]), json!({ "waiting": [] }));

    let engine = Engine::open(home.db()).unwrap();
    let provider = Arc::new(ScriptedProvider::new());
    provider.push(Script::text("Done."));
    engine.register("local", provider);
    let session = engine.open_session("files").await.unwrap();
    session.register(remove()).unwrap();
    let reply = session.default_branch().resume().with_tools("remove").await.unwrap();
    let results: Vec<_> = reply.results.iter().map(|result| result.text()).collect();
    assert_eq!(results, ["old is gone", "denied: it is needed"]);
    engine.close().await.unwrap();
}
