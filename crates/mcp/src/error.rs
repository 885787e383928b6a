//! Why a server did not do what was asked, named by what the caller can do about it.

use std::{error::Error as StdError, io, time::Duration};

use branchwork_core::{
    causes::with_causes,
    secret::{Secret, detail},
};

use crate::http;

/// Why a server did not do what was asked. No text of it holds a secret of the server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum McpError {
    /// What was said of the server cannot be used: correct it.
    #[error("the MCP server `{server}` cannot be used: {problem}")]
    BadServer {
        /// Its name.
        server: String,
        /// What is wrong.
        problem: String,
    },
    /// Its program cannot be started.
    #[error("the MCP server `{server}` cannot be started: `{command}`")]
    NotStarted {
        /// Its name.
        server: String,
        /// The program.
        command: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No connection came about.
    #[error("the MCP server `{server}` cannot be reached: {detail}")]
    Unreachable {
        /// Its name.
        server: String,
        /// What went wrong.
        detail: String,
    },
    /// It did not answer in time.
    #[error("the MCP server `{server}` took longer than {limit:?}")]
    OutOfTime {
        /// Its name.
        server: String,
        /// How long it may take.
        limit: Duration,
    },
    /// The connection broke, or what came over it was not the protocol. The next call connects again; nobody
    /// knows whether this one took effect.
    #[error("the connection with the MCP server `{server}` broke: {detail}")]
    Lost {
        /// Its name.
        server: String,
        /// What went wrong.
        detail: String,
    },
    /// It answered that it will not do it.
    #[error("the MCP server `{server}` refused: {detail}")]
    Refused {
        /// Its name.
        server: String,
        /// What it said.
        detail: String,
    },
    /// [`McpClient::close`](crate::McpClient::close) was called.
    #[error("the MCP server `{server}` was closed")]
    Closed {
        /// Its name.
        server: String,
    },
}

/// What an error and its causes say, each once, on one short line without `secrets`.
pub(crate) fn say(error: &(dyn StdError + 'static), secrets: &[Secret]) -> String {
    detail(&with_causes(http::inner(error)), secrets)
}
