//! MCP servers: their tools for a model, their resources for the program.
//!
//! # Layout
//!
//! | module | holds |
//! |---|---|
//! | `server` | [`McpServer`]: how a server is reached, and how long it is waited for |
//! | `client` | [`McpClient`]: a server that is used; it connects again when it has to |
//! | `tool` | [`McpTool`]: one of its tools, as [`branchwork_core::tool::Tool`] |
//! | `names` | names of tools that every provider takes, and no two alike |
//! | `output` | what a call gave, as a model is shown it |
//! | `resource` | what a server offers to be read |
//! | `list` | the tools that a server has now |
//! | `connection` | one connection: the session of the protocol, and what it runs on |
//! | `telemetry` | what observers are told of requests |
//! | `process` | the child process of a server, which ends with its connection |
//! | `http` | the HTTP client of a server |
//! | `error` | [`McpError`]: why a server did not do what was asked |
//!
//! The protocol itself is spoken by `rmcp`, of which nothing is seen outside. A connection runs tasks of its
//! own on the tokio runtime it was made in; they end with it.
//!
//! ```no_run
//! # async fn example() -> Result<(), branchwork_mcp::McpError> {
//! use branchwork_mcp::McpServer;
//!
//! let time = McpServer::stdio("time", "uvx", ["mcp-server-time"]).connect().await?;
//! for tool in time.tools() {
//!     println!("{tool:?}");
//! }
//! # Ok(()) }
//! ```

mod client;
mod connection;
mod error;
mod http;
mod list;
mod names;
mod output;
mod process;
mod resource;
mod server;
mod telemetry;
mod tool;

pub use self::{
    client::McpClient,
    error::McpError,
    resource::{Resource, ResourceBody, ResourceContent},
    server::McpServer,
    tool::McpTool,
};
