//! What is heard of a branch.

use clap::Args;

/// Of which branch, and from where on.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// `session`, `session@branch`.
    pub(crate) place: Option<String>,
    /// Only what came after this number.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub(crate) after: u64,
    /// Go on with what comes, from any process, until Ctrl-C.
    #[arg(short, long)]
    pub(crate) follow: bool,
}
