//! What goes on.

use clap::Args;

use super::{ask::Parameters, mcp::ToolArgs};

/// Which turn goes on, with which model and tools.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// `session`, `session@branch`.
    pub(crate) place: Option<String>,
    /// The model: `provider:model`, a model of the session's provider, or an alias.
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// The server to ask, by its URL.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) tools: ToolArgs,
}
