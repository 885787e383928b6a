//! What is to be summarized.

use clap::Args;

use super::{CallArgs, Wish};

/// Of which branch, and by whom.
#[derive(Debug, Args)]
pub(crate) struct CompactArgs {
    /// `session`, `session@branch`.
    pub(crate) place: String,
    /// Keep at least so many of the last messages as they are.
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    pub(crate) keep: usize,
    /// The summary, so that no model is asked; `-` reads standard input.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["model", "base_url", "Resilience", "BudgetArgs"])]
    pub(crate) summary: Option<String>,
    #[command(flatten)]
    pub(crate) wish: Wish,
    #[command(flatten)]
    pub(crate) calls: CallArgs,
}
