//! Lists of tools that change.

use branchwork_mcp::McpClient;
use serde_json::json;

use crate::support::{HttpServer, Kit, call};

async fn grows(client: &McpClient) {
    let (seen, count) = (client.revision(), client.tools().len());
    assert!(client.tools().iter().all(|tool| tool.remote_name() != "grown"));
    let (changed, called) = tokio::join!(client.changed(seen), call(client, "grow", json!({})));
    assert_eq!(called, Ok(json!("one more")));
    assert_ne!(changed, seen);
    assert_eq!(client.tools().len(), count + 1);
    assert_eq!(call(client, "grown", json!({})).await.unwrap()["result"], "grown");
}

#[tokio::test]
async fn a_tool_that_comes_is_there_over_pipes() {
    for kit in Kit::BOTH {
        grows(&kit.stdio().connect().await.unwrap()).await;
    }
}

#[tokio::test]
async fn a_tool_that_comes_is_there_over_http() {
    for kit in Kit::BOTH {
        let server = HttpServer::start(kit);
        grows(&server.server().connect().await.unwrap()).await;
    }
}
