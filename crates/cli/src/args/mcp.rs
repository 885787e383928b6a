//! Tools of MCP servers.

use clap::{Args, Subcommand};

/// Which tools are offered to the model.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub(crate) struct ToolArgs {
    /// Offer these tools to the model: `SERVER` for all of an MCP server of the configuration file,
    /// `SERVER__TOOL` for one, or `all`; can be given several times.
    #[arg(long = "tool", value_name = "NAME")]
    pub(crate) tools: Vec<String>,
}

/// Commands on MCP servers.
#[derive(Debug, Subcommand)]
pub(crate) enum McpServersCommand {
    /// Connect to the servers of the configuration file, and list their tools.
    List,
}
