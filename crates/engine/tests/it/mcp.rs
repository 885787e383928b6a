//! Turns with the tools of real MCP servers, which come from the Python registry through `cargo xtask`.

use branchwork::{
    core::tool::ToolSelection,
    mcp::{McpClient, McpServer},
};
use branchwork_testkit::{Script, xtask};

use crate::support::session;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mcp/tests/server.py");

async fn connect(name: &str, arguments: &[&str]) -> McpClient {
    let python = xtask(&["mcp", "current"]);
    McpServer::stdio(name, python, arguments.iter().copied()).connect().await.unwrap()
}

#[tokio::test]
async fn a_model_asks_a_server_for_the_time() {
    let arguments =
        r#"{"source_timezone":"Europe/Rome","time":"12:30","target_timezone":"Asia/Tokyo"}"#;
    let scripts = [
        Script::calls([
            ("c1", "time__convert_time", arguments),
            ("c2", "time__get_current_time", r#"{"timezone":"Mars/Base"}"#),
            ("c3", "time__convert_time", "{}"),
        ]),
        Script::text("Late."),
    ];
    let (session, provider) = session(scripts).await;
    let time = connect("time", &["-m", "mcp_server_time"]).await;
    session.register_source(time.clone()).unwrap();
    let main = session.default_branch();
    let reply = main.chat("How late is it there?").with_tools(ToolSelection::All).await.unwrap();
    assert_eq!(reply.text, "Late.");
    let results: Vec<String> = reply.results.iter().map(|result| result.text()).collect();
    assert!(results[0].contains("Asia/Tokyo"), "{results:?}");
    assert!(results[1].starts_with("failed: ") && results[1].contains("Mars/Base"), "{results:?}");
    assert!(results[2].starts_with("failed: the arguments do not fit"), "{results:?}");
    let offered = &provider.requests()[0].tools;
    let names: Vec<&str> = offered.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["time__convert_time", "time__get_current_time"]);
    time.close().await;
}

#[tokio::test]
async fn a_server_that_ends_is_told_of_and_a_tool_that_comes_is_offered() {
    let scripts = [
        Script::calls([("c1", "srv__end", "{}")]),
        Script::calls([("c2", "srv__grow", "{}")]),
        Script::text("It works again."),
        Script::calls([("c3", "srv__grown", "{}")]),
        Script::text("It grew."),
    ];
    let (session, _) = session(scripts).await;
    let server = connect("srv", &[SCRIPT]).await;
    let main = session.default_branch();
    main.register_source(server.clone()).unwrap();
    let seen = server.revision();
    let reply = main.chat("Go on.").with_tools(ToolSelection::All).await.unwrap();
    assert_eq!(reply.text, "It works again.");
    let results: Vec<String> = reply.results.iter().map(|result| result.text()).collect();
    assert_eq!(results[1], "one more");
    assert!(results[0].contains("the server ended it"), "{results:?}");
    server.changed(seen).await;
    let reply = main.chat("And now?").with_tools(ToolSelection::All).await.unwrap();
    assert_eq!(reply.results[0].text(), r#"{"result":"grown"}"#);
    server.close().await;
}
