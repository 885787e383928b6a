//! What to search for.

use clap::Args;

/// What to search for, and where.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// The text, whatever its case.
    pub(crate) query: String,
    /// Only in this session.
    #[arg(short = 'S', long)]
    pub(crate) session: Option<String>,
    /// Only what is said in this voice: system, user, assistant, tool.
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// How many hits at most.
    #[arg(short = 'n', long = "limit", default_value_t = 50)]
    pub(crate) limit: usize,
}
