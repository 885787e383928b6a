//! What calls give, over both transports and with both versions of the protocol.

use std::collections::BTreeSet;

use branchwork_core::tool::{Policy, Tool as _, ToolEffect};
use branchwork_mcp::{McpClient, McpError, ResourceBody};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{HttpServer, Kit, call, tool};

/// All that a server does when nothing goes wrong.
async fn everything_works(client: &McpClient) {
    let tools = client.tools();
    let names: BTreeSet<&str> = tools.iter().map(|tool| tool.spec().name.as_str()).collect();
    assert_eq!(names.len(), tools.len());
    assert!(names.contains("fixture__add") && names.contains("fixture__odd_name"), "{names:?}");
    assert_eq!(tool(client, "add").effect(), ToolEffect::Pure);
    assert_eq!(tool(client, "say").effect(), ToolEffect::Idempotent);
    assert_eq!(tool(client, "fail").effect(), ToolEffect::AtMostOnce);
    assert_eq!(tool(client, "add").spec().description, "Adds two numbers.");
    assert_eq!(tool(client, "add").spec().parameters["required"], json!(["a", "b"]));

    let given = async |name: &str, arguments| call(client, name, arguments).await;
    assert_eq!(given("add", json!({ "a": 1, "b": 2 })).await, Ok(json!({ "result": 3 })));
    assert_eq!(given("say", json!({ "text": "größe\n" })).await, Ok(json!("größe\n")));
    assert_eq!(given("place", json!({})).await, Ok(json!({ "latitude": 41.9, "longitude": 12.5 })));
    assert_eq!(
        given("picture", json!({})).await,
        Ok(json!([{ "type": "image", "data": "R0lGODlh", "mimeType": "image/gif" }]))
    );
    assert_eq!(given("odd.name", json!({})).await, Ok(json!({ "result": "odd" })));
    let failed = given("fail", json!({ "why": "it rains" })).await.unwrap_err();
    assert!(failed.contains("it rains"), "{failed}");
    let unfit = given("add", json!({ "a": "one" })).await.unwrap_err();
    assert!(unfit.contains('b'), "{unfit}");

    // As many at once as come.
    let mut calls = JoinSet::new();
    for a in 0..20 {
        let client = client.clone();
        calls.spawn(async move { (a, call(&client, "add", json!({ "a": a, "b": 1 })).await) });
    }
    for (a, given) in calls.join_all().await {
        assert_eq!(given, Ok(json!({ "result": a + 1 })));
    }

    let resources = client.resources().await.unwrap();
    let uris: BTreeSet<&str> = resources.iter().map(|resource| resource.uri.as_str()).collect();
    assert_eq!(uris, BTreeSet::from(["note://bytes", "note://hello"]));
    let body = async |uri| client.read_resource(uri).await.unwrap().remove(0).body;
    assert_eq!(body("note://hello").await, ResourceBody::Text("Hello from a note.".to_owned()));
    assert_eq!(body("note://bytes").await, ResourceBody::Base64("AAE=".to_owned()));
    let refused = client.read_resource("note://none").await.unwrap_err();
    assert!(matches!(refused, McpError::Refused { .. }), "{refused}");
}

#[tokio::test]
async fn everything_works_over_pipes() {
    for kit in Kit::BOTH {
        let client = kit.stdio().connect().await.unwrap();
        everything_works(&client).await;
        client.close().await;
        let closed = client.resources().await.unwrap_err();
        assert!(matches!(closed, McpError::Closed { .. }), "{closed}");
    }
}

#[tokio::test]
async fn everything_works_over_http() {
    for kit in Kit::BOTH {
        let server = HttpServer::start(kit);
        let client = server.server().connect().await.unwrap();
        everything_works(&client).await;
        client.close().await;
    }
}

#[tokio::test]
async fn a_server_that_wants_approval_has_no_tool_that_runs_by_itself() {
    let policy = |client: &McpClient| tool(client, "add").policy(&json!({ "a": 1, "b": 2 }));
    let server = Kit::Current.stdio();
    assert_eq!(policy(&server.clone().connect().await.unwrap()), Policy::Allow);
    assert_eq!(policy(&server.with_approval().connect().await.unwrap()), Policy::Ask);
}

#[tokio::test]
async fn a_large_output_is_given_whole() {
    let server = HttpServer::start(Kit::Current);
    for server in [Kit::Current.stdio(), server.server()] {
        let client = server.connect().await.unwrap();
        let much = call(&client, "much", json!({ "count": 3_000_000 })).await.unwrap();
        assert_eq!(much.as_str().unwrap().len(), 3_000_000);
    }
}
