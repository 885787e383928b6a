//! The servers of the tests, and calls of their tools.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use branchwork_core::{
    id::{BranchId, MessageId, SessionId},
    message::CallId,
    tool::{Tool as _, ToolContext, ToolError},
};
use branchwork_mcp::{McpClient, McpServer, McpTool};
use branchwork_testkit::xtask;
use serde_json::Value;

/// The script of the server that does what tests need.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server.py");

/// A version of the kit that servers are made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kit {
    Current,
    Legacy,
}

impl Kit {
    pub(crate) const BOTH: [Self; 2] = [Self::Current, Self::Legacy];

    /// The interpreter of its environment.
    pub(crate) fn python(self) -> &'static str {
        static CURRENT: OnceLock<String> = OnceLock::new();
        static LEGACY: OnceLock<String> = OnceLock::new();
        match self {
            Self::Current => CURRENT.get_or_init(|| xtask(&["mcp", "current"])),
            Self::Legacy => LEGACY.get_or_init(|| xtask(&["mcp", "legacy"])),
        }
    }

    /// The server of the tests, as a child process.
    pub(crate) fn stdio(self) -> McpServer {
        McpServer::stdio("fixture", self.python(), [SCRIPT])
    }
}

/// The server of the tests over HTTP. It ends with the value.
pub(crate) struct HttpServer {
    child: Child,
    pub(crate) url: String,
}

impl HttpServer {
    pub(crate) fn start(kit: Kit) -> Self {
        Self::start_at(kit, 0, "")
    }

    /// At a port, for those who have the key, when it is not empty.
    pub(crate) fn start_at(kit: Kit, port: u16, key: &str) -> Self {
        let mut child = Command::new(kit.python())
            .args([SCRIPT, &port.to_string()])
            .env("FIXTURE_KEY", key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }

    pub(crate) fn server(&self) -> McpServer {
        McpServer::http("fixture", &self.url)
    }

    pub(crate) fn port(&self) -> u16 {
        let (_, rest) = self.url.rsplit_once(':').unwrap();
        rest.trim_end_matches("/mcp").parse().unwrap()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> u16 {
        self.child.wait().unwrap();
        self.port()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

pub(crate) fn tool(client: &McpClient, remote: &str) -> McpTool {
    let mut tools = client.tools().into_iter();
    tools.find(|tool| tool.remote_name() == remote).unwrap()
}

/// Calls a tool; a failure is its text.
pub(crate) async fn call(
    client: &McpClient,
    remote: &str,
    arguments: Value,
) -> Result<Value, String> {
    let context = ToolContext::new(
        (SessionId::from_bits(1), BranchId::from_bits(2)),
        (MessageId::from_bits(3), MessageId::from_bits(4)),
        CallId::new("c1"),
    );
    let called = tool(client, remote).call(arguments, context).await;
    called.map(|output| output.value).map_err(|error: ToolError| error.to_string())
}
