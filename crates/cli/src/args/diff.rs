//! What is to be compared.

use clap::Args;

/// Two branches of one session.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// `session`, `session@branch`: the left one, whose lines begin with `-`.
    pub(crate) left: String,
    /// The right one, whose lines begin with `+`.
    pub(crate) right: String,
}
