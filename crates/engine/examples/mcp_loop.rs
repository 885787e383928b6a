//! Turns with tools of MCP servers, asked of a real model: each question needs another server.
//!
//! ```sh
//! cargo run -p branchwork --features mcp --example mcp_loop -- \
//!     "$(cargo xtask model start --model qwen1.5b)" qwen1.5b \
//!     -- time uvx mcp-server-time \
//!     -- git uvx mcp-server-git --repository demo \
//!     -- everything npx -y @modelcontextprotocol/server-everything
//! ```
//!
//! `cargo xtask record mcp-loop` records what goes over the wire and through the pipes, and the test
//! `recorded_mcp` plays it again.

use std::{io::Write as _, sync::Arc};

use branchwork::{
    Engine, Error, Reply,
    core::config::ConfigPatch,
    mcp::{McpClient, McpServer},
    providers::{HttpOptions, HttpProvider},
};

/// The longest answer: a small model on a small machine shall not wander off.
const TOKENS_MAX: u32 = 120;

/// The tools that are offered, of the many that the servers have: a small model shall not get lost.
const TOOLS: [&str; 3] = ["time__convert_time", "git__git_log", "everything__get-sum"];

/// What is asked, one after the other. Neither zone has summer time: the answer is the same all year.
const QUESTIONS: [&str; 3] = [
    "It is 12:30 in Asia/Kolkata. What time is it then in Asia/Tokyo?",
    "Who made the last commit of the repository at the path `demo`, and what is its message?",
    "How much are 1234 and 5678 together?",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let mut groups = arguments.split(|argument| argument == "--");
    let usage = "usage: mcp_loop BASE_URL MODEL -- NAME COMMAND [ARGUMENT]... [-- ...]";
    let Some([base_url, model]) = groups.next() else { return Err(usage.into()) };
    let server = |group: &[String]| {
        let [name, command, arguments @ ..] = group else { return Err(usage) };
        Ok(McpServer::stdio(name, command, arguments))
    };
    let servers = groups.map(server).collect::<Result<Vec<_>, _>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let replies = runtime.block_on(ask(&Engine::in_memory(), base_url, model, servers))?;
    let mut out = std::io::stdout();
    for (question, reply) in QUESTIONS.iter().zip(replies) {
        writeln!(out, "? {question}")?;
        for result in &reply.results {
            writeln!(out, "  {}", result.text())?;
        }
        writeln!(out, "{}", reply.text)?;
    }
    Ok(())
}

/// Asks each question on one branch, with tools of `servers`.
pub(crate) async fn ask(
    engine: &Engine,
    base_url: &str,
    model: &str,
    servers: Vec<McpServer>,
) -> Result<Vec<Reply>, Box<dyn std::error::Error>> {
    let provider = HttpProvider::new(HttpOptions::chat(base_url)?).map_err(Error::Provider)?;
    let session = engine.session("mcp").provider("local", Arc::new(provider)).model(model);
    let exact = ConfigPatch::new().with_temperature(0.0).with_seed(7).with_max_tokens(TOKENS_MAX);
    let session = session.config(exact).create().await?;
    let mut clients: Vec<McpClient> = Vec::new();
    for server in servers {
        let client = server.connect().await?;
        session.register_source(client.clone())?;
        clients.push(client);
    }
    let main = session.default_branch();
    let mut replies = Vec::new();
    for question in QUESTIONS {
        replies.push(main.chat(question).with_tools(TOOLS).await?);
    }
    for client in clients {
        client.close().await;
    }
    Ok(replies)
}
