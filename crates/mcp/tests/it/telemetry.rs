//! What observers are told of requests to servers.

use std::{collections::BTreeSet, time::Duration};

use branchwork_core::telemetry::{ATTRIBUTES, span};
use branchwork_mcp::{McpClient, McpServer};
use branchwork_testkit::{SeenSpan, Spans};
use serde_json::{Value, json};
use tracing::{Instrument as _, info_span};

use crate::support::{HttpServer, Kit, call};

/// Each request, by its name, with how it failed. All of them ended.
fn told(requests: &[SeenSpan]) -> Vec<(String, Value)> {
    let told = |span: &SeenSpan| {
        assert!(span.is_closed, "{span:#?}");
        (span.get("otel.name").as_str().unwrap().to_owned(), span.get("error.type"))
    };
    requests.iter().map(told).collect()
}

/// Every request of `server` is told of, with how it is reached.
async fn check(server: McpServer, transport: &str) {
    let spans = Spans::watch();
    let work = async {
        let client = server.connect().await.unwrap();
        call(&client, "add", json!({ "a": 1, "b": 2 })).await.unwrap();
        call(&client, "fail", json!({ "why": "it rains" })).await.unwrap_err();
        client.read_resource("note://hello").await.unwrap();
        client.read_resource("note://none").await.unwrap_err();
        client
    };
    let client = work.instrument(info_span!("work")).await;
    let all = spans.all();
    assert!(all[0].is_closed, "a connection keeps no span: {all:#?}");
    // The list is also read in the background, when the server says that it changed.
    let is_work = |request: &SeenSpan| request.parent == Some(0);
    let (of, background): (Vec<_>, Vec<_>) = spans.named(span::MCP).into_iter().partition(is_work);
    assert!(told(&background).iter().all(|(name, _)| name == "tools/list"));
    let told = told(&of);
    let code = told.last().unwrap().1.clone();
    let expected = [
        ("initialize", Value::Null),
        ("tools/list", Value::Null),
        ("tools/call add", Value::Null),
        ("tools/call fail", json!("tool_error")),
        ("resources/read", Value::Null),
        ("resources/read", code.clone()),
    ];
    assert_eq!(told, expected.map(|(name, failure)| (name.to_owned(), failure)));
    assert!(code.as_str().unwrap().parse::<i32>().is_ok(), "{code}");
    let last = of.last().unwrap();
    assert_eq!(last.get("rpc.response.status_code"), code);
    assert_eq!(last.get("mcp.resource.uri"), "note://none");
    for request in &of {
        assert_eq!(request.get("network.transport"), transport);
        assert_eq!(request.get("branchwork.mcp.server"), "fixture");
        assert!(request.get("mcp.protocol.version").is_string(), "{request:#?}");
        let has_address = transport == "tcp";
        assert_eq!(request.get("server.port").is_number(), has_address);
        assert_eq!(request.get("server.address").is_string(), has_address);
    }
    assert!(!spans.say("rains"), "nothing that was said is told");
    client.close().await;
}

#[tokio::test]
async fn each_request_is_a_span_and_ends_while_the_connection_lasts() {
    for kit in Kit::BOTH {
        let http = HttpServer::start(kit);
        for (server, transport) in [(kit.stdio(), "pipe"), (http.server(), "tcp")] {
            check(server, transport).await;
        }
    }
}

#[tokio::test]
async fn requests_that_get_no_answer_end_too() {
    let spans = Spans::watch();
    let server = Kit::Current.stdio().with_call_timeout(Duration::from_millis(200));
    let client = server.connect().await.unwrap();
    call(&client, "hang", json!({})).await.unwrap_err();
    let hanging = tokio::time::timeout(Duration::ZERO, call(&client, "hang", json!({})));
    hanging.await.unwrap_err();
    call(&client, "end", json!({})).await.unwrap_err();
    client.close().await;
    call_closed(&client).await;
    let kinds: BTreeSet<String> = told(&spans.named(span::MCP))
        .into_iter()
        .filter(|(name, _)| name.starts_with("tools/call"))
        .map(|(name, failure)| format!("{name}: {failure}"))
        .collect();
    let expected = [
        r#"tools/call hang: "timeout""#,
        r#"tools/call hang: "cancelled""#,
        r#"tools/call end: "connection_lost""#,
        r#"tools/call add: "unavailable""#,
    ];
    assert_eq!(kinds, expected.map(str::to_owned).into());
}

async fn call_closed(client: &McpClient) {
    call(client, "add", json!({ "a": 1, "b": 2 })).await.unwrap_err();
}

#[tokio::test]
async fn no_span_says_a_secret_of_a_server() {
    let spans = Spans::at(tracing::Level::TRACE);
    let http = HttpServer::start_at(Kit::Current, 0, "key-in-the-header");
    let url = http.url.replace("http://", "http://user:key-in-the-url@");
    let server = McpServer::http("fixture", format!("{url}?token=key-in-the-query"))
        .with_header("authorization", "Bearer key-in-the-header");
    let client = server.connect().await;
    if let Ok(client) = &client {
        client.read_resource("note://key-in-the-header").await.unwrap_err();
        client.close().await;
    }
    let ours = spans.named(span::MCP);
    assert!(!ours.is_empty());
    for secret in ["key-in-the-header", "key-in-the-url", "key-in-the-query"] {
        let says = ours.iter().any(|span| json!(span.fields).to_string().contains(secret));
        assert!(!says, "{secret}: {ours:#?}");
    }
}

#[tokio::test]
async fn spans_say_what_is_listed_and_no_more() {
    let spans = Spans::watch();
    let client = Kit::Current.stdio().connect().await.unwrap();
    client.close().await;
    let listed = ATTRIBUTES.iter().filter(|one| one.spans.contains(&span::MCP));
    let listed: BTreeSet<&str> = listed.map(|one| one.name).collect();
    for request in spans.named(span::MCP) {
        assert_eq!(request.declared.iter().copied().collect::<BTreeSet<_>>(), listed);
        assert!(request.target.starts_with("branchwork_mcp::"), "{}", request.target);
    }
}
