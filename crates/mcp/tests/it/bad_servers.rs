//! Servers that do not start, hang, end, or refuse. A call fails, and the next one works.

use std::time::Duration;

use branchwork_mcp::{McpClient, McpError, McpServer};
use serde_json::{Value, json};

use crate::support::{HttpServer, Kit, call};

/// Long enough for a call that works, short enough to wait for one that does not.
const CALL_WAIT: Duration = Duration::from_secs(2);

async fn still_works(client: &McpClient) {
    let said = call(client, "say", json!({ "text": "here" })).await;
    assert_eq!(said, Ok(json!("here")));
}

#[tokio::test]
async fn a_call_that_hangs_fails_and_the_next_one_works() {
    for kit in Kit::BOTH {
        let http = HttpServer::start(kit);
        for server in [kit.stdio(), http.server()] {
            let client = server.with_call_timeout(CALL_WAIT).connect().await.unwrap();
            let hung = call(&client, "hang", json!({})).await.unwrap_err();
            assert_eq!(hung, "the MCP server `fixture` took longer than 2s");
            still_works(&client).await;
        }
    }
}

#[tokio::test]
async fn a_process_that_ends_during_a_call_is_started_again() {
    for kit in Kit::BOTH {
        let client = kit.stdio().connect().await.unwrap();
        let process = async || call(&client, "process", json!({})).await.unwrap();
        let first = process().await;
        let ended = call(&client, "end", json!({})).await.unwrap_err();
        assert_eq!(
            ended,
            "the connection with the MCP server `fixture` broke: the server ended it"
        );
        assert_ne!(process().await, first);
    }
}

#[tokio::test]
async fn a_server_at_a_url_that_ends_and_comes_back_is_used_again() {
    for kit in Kit::BOTH {
        let first = HttpServer::start(kit);
        let client = first.server().with_call_timeout(CALL_WAIT).connect().await.unwrap();
        let ended = call(&client, "end", json!({})).await.unwrap_err();
        assert!(ended.contains("the MCP server `fixture`"), "{ended}");
        let port = first.wait();
        let gone = call(&client, "say", json!({ "text": "here" })).await.unwrap_err();
        assert!(gone.contains("cannot be reached"), "{gone}");
        let again = HttpServer::start_at(kit, port, "");
        still_works(&client).await;
        drop(again);
    }
}

#[tokio::test]
async fn a_process_ends_with_the_last_who_could_use_it() {
    let client = Kit::Current.stdio().connect().await.unwrap();
    let process = call(&client, "process", json!({})).await.unwrap();
    let is_alive = |process: &Value| {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", process.as_str().unwrap()));
        status.is_ok_and(|status| !status.contains(") Z "))
    };
    let kept = client.tools().remove(0);
    drop(client);
    assert!(is_alive(&process), "a tool keeps its server");
    drop(kept);
    while is_alive(&process) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_with_the_reason() {
    let python = Kit::Current.python();
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/mcp", listener.local_addr().unwrap())
    };
    let none: [&str; 0] = [];
    let script = "import sys; sys.stderr.write('no such file: tok-secret-1\\n'); sys.exit(2)";
    let broken = McpServer::stdio("broken", python, ["-c", script]);
    // Of the end of it that is kept, the first letters are a half of the secret.
    let script = "import sys; sys.stderr.write('tok-secret-1' + 4090 * 'x'); sys.exit(2)";
    let talkative = McpServer::stdio("talkative", python, ["-c", script]);
    let mute = McpServer::stdio("mute", python, ["-c", "import sys; sys.stdin.read()"]);
    for (server, said) in [
        (McpServer::stdio("gone", "/no/such/program", none), "cannot be started"),
        (broken.with_env("TOKEN", "tok-secret-1"), "it said: no such file: ***"),
        (talkative.with_env("TOKEN", "tok-secret-1"), "cannot be reached"),
        (McpServer::http("nobody", nobody), "onnection refused"),
        (mute.with_connect_timeout(Duration::from_millis(200)), "took longer than 200ms"),
    ] {
        let name = server.name().to_owned();
        let error = server.connect().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(said) && text.contains(&format!("`{name}`")), "{text}");
        assert!(!format!("{error:?}").contains("cret-1"), "{error:?}");
    }
}

#[tokio::test]
async fn keys_reach_the_server_and_no_text() {
    let client = Kit::Current.stdio().with_env("KEY", "key-in-the-environment");
    let client = client.connect().await.unwrap();
    let told = call(&client, "variable", json!({ "name": "KEY" })).await;
    assert_eq!(told, Ok(json!("key-in-the-environment")));
    let why = json!({ "why": "bad key: key-in-the-environment" });
    let failed = call(&client, "fail", why).await.unwrap_err();
    assert!(failed.ends_with("bad key: ***"), "{failed}");
    let none = call(&client, "variable", json!({ "name": "CARGO_MANIFEST_DIR" })).await;
    assert_eq!(none, Ok(json!("(none)")), "our own environment is not handed on");
    assert!(!format!("{client:?}").contains("key-in-the"), "{client:?}");

    let http = HttpServer::start_at(Kit::Current, 0, "key-in-the-header");
    let server = |key: &str| http.server().with_header("authorization", format!("Bearer {key}"));
    still_works(&server("key-in-the-header").connect().await.unwrap()).await;
    let refused = server("key-that-is-wrong").connect().await.unwrap_err();
    assert!(matches!(refused, McpError::Unreachable { .. }), "{refused}");
    assert!(refused.to_string().contains("403"), "{refused}");
    assert!(!format!("{refused:?}").contains("key-that-is-wrong"), "{refused:?}");
}
