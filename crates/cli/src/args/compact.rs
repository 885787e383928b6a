//! What is to be summarized.

use clap::Args;

/// Of which branch, and by whom.
#[derive(Debug, Args)]
pub(crate) struct CompactArgs {
    /// `session`, `session@branch`.
    pub(crate) place: String,
    /// Keep at least so many of the last messages as they are.
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    pub(crate) keep: usize,
    /// The summary, so that no model is asked; `-` reads standard input.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["model", "base_url"])]
    pub(crate) summary: Option<String>,
    /// The model that makes it: `provider:model`, or an alias.
    #[arg(short, long)]
    pub(crate) model: Option<String>,
    /// The server to ask, by its URL.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
}
