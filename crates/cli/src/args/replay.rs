//! What is to be replayed.

use clap::Args;

/// Which branch, from where on, and how far it may differ.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// `session`, `session@branch`.
    pub(crate) place: Option<String>,
    /// Begin with the turn of this message: what comes before is taken as it is.
    #[arg(long, value_name = "MESSAGE")]
    pub(crate) from: Option<String>,
    /// Go on where something differs, and tell all of it.
    #[arg(long)]
    pub(crate) drift: bool,
}
