//! Turns with the tools of real MCP servers, as a real model on a real server had them: played again, the
//! model byte for byte, the servers request for request.

use std::{fs, path::Path};

use branchwork::{
    Engine,
    core::{message::Status, tool::ToolSelection},
    mcp::McpServer,
};
use branchwork_testkit::Script;
use serde_json::Value;

use crate::{
    mcp_loop,
    recorded::{Player, folder},
    support::session,
};

const TAPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tape.py");

const SERVERS: [&str; 3] = ["time", "git", "everything"];

fn tape(server: &str) -> String {
    folder("mcp_loop").join(format!("{server}.mcp")).to_str().unwrap().to_owned()
}

/// The server, as far as the recording goes; what is said now is recorded into `kept`.
fn played(server: &str, kept: &Path) -> McpServer {
    let tape = tape(server);
    let arguments = [TAPE, "record", kept.to_str().unwrap(), "python3", TAPE, "play", &tape];
    McpServer::stdio(server, "python3", arguments)
}

/// The calls of tools in a tape: the name and the arguments, and what came of it.
fn calls(tape: &Path) -> Vec<(Value, Value)> {
    let text = fs::read_to_string(tape).unwrap();
    let said = |mark| {
        let lines = text.lines().filter_map(move |line| line.strip_prefix(mark));
        lines.map(|line| serde_json::from_str::<Value>(line).unwrap())
    };
    let called = said("> ").filter(|asked| asked["method"] == "tools/call");
    called
        .map(|asked| {
            let answer = said("< ").find(|told| told["id"] == asked["id"]).unwrap();
            let params = &asked["params"];
            (serde_json::json!([params["name"], params["arguments"]]), answer["result"].clone())
        })
        .collect()
}

#[tokio::test]
async fn recorded_turns_with_mcp_servers_send_the_same_bytes_and_call_the_same_tools() {
    let player = Player::of("mcp_loop");
    let kept = tempfile::tempdir().unwrap();
    let kept = |server: &str| kept.path().join(server);
    let servers = SERVERS.map(|server| played(server, &kept(server))).into();
    let engine = Engine::in_memory();
    let replies = mcp_loop::ask(&engine, &player.base_url, "qwen1.5b", servers).await.unwrap();
    player.check();
    let told = ["16:00", "Ada", "6912"];
    assert_eq!(replies.len(), told.len());
    for (reply, told) in replies.iter().zip(told) {
        assert_eq!((reply.rounds, reply.limit, reply.message.status), (2, None, Status::Complete));
        let [result] = reply.results.as_slice() else { panic!("one call, one result") };
        assert!(result.text().contains(told), "{}", result.text());
        assert!(reply.text.contains(told), "the model tells of the result: {}", reply.text);
    }
    for server in SERVERS {
        let (recorded, now) = (calls(Path::new(&tape(server))), calls(&kept(server)));
        assert_eq!(recorded.len(), 1, "each server was called: {server}");
        assert_eq!(now, recorded, "{server}");
    }
    assert!(engine.verify().await.unwrap().problems.is_empty());
    // Without the model and the servers, the log alone gives the same.
    let session = engine.sessions().await.unwrap().remove(0).id.to_string();
    let main = engine.open_session(&session).await.unwrap().default_branch();
    let replayed = main.replay().await.unwrap();
    assert_eq!((replayed.turns, replayed.calls, replayed.copied), (3, 6, Vec::new()));
}

#[tokio::test]
async fn what_is_not_in_the_recording_of_a_server_fails() {
    let arguments =
        r#"{"source_timezone":"Asia/Kolkata","time":"12:31","target_timezone":"Asia/Tokyo"}"#;
    let call = Script::calls([("c1", "time__convert_time", arguments)]);
    let (session, _) = session([call, Script::text("Nobody knows.")]).await;
    let time = McpServer::stdio("time", "python3", [TAPE, "play", &tape("time")]);
    let time = time.connect().await.unwrap();
    session.register_source(time.clone()).unwrap();
    let main = session.default_branch();
    let reply = main.chat("How late is it?").with_tools(ToolSelection::All).await.unwrap();
    let result = reply.results[0].text();
    assert!(result.starts_with("failed: ") && result.contains("not in the recording"), "{result}");
    time.close().await;
}
