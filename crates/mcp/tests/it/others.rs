//! Servers that others wrote.

use std::process::Command;

use branchwork_mcp::McpServer;
use serde_json::json;

use crate::support::{Kit, call, tool};

#[tokio::test]
async fn the_server_that_tells_the_time() {
    let arguments = ["-m", "mcp_server_time", "--local-timezone", "Europe/Rome"];
    let server = McpServer::stdio("time", Kit::Current.python(), arguments);
    let client = server.connect().await.unwrap();
    let names: Vec<_> = client.tools().iter().map(|tool| tool.remote_name().to_owned()).collect();
    assert_eq!(names, ["get_current_time", "convert_time"]);
    let arguments = json!({
        "source_timezone": "Europe/Rome", "time": "12:30", "target_timezone": "Asia/Tokyo"
    });
    let told = call(&client, "convert_time", arguments).await.unwrap().to_string();
    assert!(told.contains("Asia/Tokyo"), "{told}");
    let unknown = json!({ "timezone": "Mars/Base" });
    let failed = call(&client, "get_current_time", unknown).await.unwrap_err();
    assert!(failed.contains("Mars/Base"), "{failed}");
    client.close().await;
}

#[tokio::test]
async fn the_server_that_looks_after_a_repository() {
    use branchwork_core::tool::{Tool as _, ToolEffect};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let git = |arguments: &[&str]| {
        let git = Command::new("git").args(["-C", path]).args(arguments).output().unwrap();
        assert!(git.status.success(), "{git:?}");
    };
    git(&["init", "--quiet"]);
    std::fs::write(folder.path().join("note.txt"), "Rome").unwrap();
    let arguments = ["-m", "mcp_server_git", "--repository", path];
    let server = McpServer::stdio("git", Kit::Current.python(), arguments);
    let client = server.connect().await.unwrap();
    assert_eq!(tool(&client, "git_status").effect(), ToolEffect::Pure);
    let status = call(&client, "git_status", json!({ "repo_path": path })).await.unwrap();
    assert!(status.as_str().unwrap().contains("note.txt"), "{status}");
    let files = json!({ "repo_path": path, "files": ["note.txt"] });
    call(&client, "git_add", files).await.unwrap();
    let diff = call(&client, "git_diff_staged", json!({ "repo_path": path })).await.unwrap();
    assert!(diff.as_str().unwrap().contains("+Rome"), "{diff}");
    client.close().await;
}
