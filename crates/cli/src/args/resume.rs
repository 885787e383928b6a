//! What goes on.

use clap::Args;

use super::{CallArgs, Wish, ask::Parameters, mcp::ToolArgs};

/// Which turn goes on, with which model and tools.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// `session`, `session@branch`.
    pub(crate) place: Option<String>,
    #[command(flatten)]
    pub(crate) wish: Wish,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) tools: ToolArgs,
    #[command(flatten)]
    pub(crate) calls: CallArgs,
}
