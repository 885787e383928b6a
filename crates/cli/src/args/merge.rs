//! What is to be merged, and how.

use clap::{Args, ValueEnum};

use super::Wish;

/// Which branch, into which, and how.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct MergeArgs {
    /// `session@branch`: the branch that is merged.
    pub(crate) from: String,
    /// The branch of that session that it is merged into.
    #[arg(long, value_name = "BRANCH")]
    pub(crate) into: String,
    /// How to bring in what is new.
    #[arg(long, value_name = "MODE", default_value = "append")]
    pub(crate) mode: MergeMode,
    /// The summary of `--mode summary`, so that no model is asked; `-` reads standard input.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["model", "base_url"])]
    pub(crate) text: Option<String>,
    /// Take the summary of the model as it is, without a question.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Whose configuration, system message and edits of shared messages hold; ours, when not said.
    #[arg(long, value_name = "WHOSE")]
    pub(crate) policy: Option<Policy>,
    /// Say what would be done, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Delete the merged branch in the same step; when it was the default, the target becomes it.
    #[arg(long)]
    pub(crate) delete_source: bool,
    #[command(flatten)]
    pub(crate) wish: Wish,
}

/// Which messages, and into which branch.
#[derive(Debug, Args)]
pub(crate) struct CherryPickArgs {
    /// `session@branch`: the branch that has the messages.
    pub(crate) from: String,
    /// The messages: by identifier, a prefix of one, or `~n`.
    #[arg(required = true, value_name = "MESSAGE")]
    pub(crate) messages: Vec<String>,
    /// The branch of that session that they are brought into.
    #[arg(long, value_name = "BRANCH")]
    pub(crate) into: String,
    /// Say what would be done, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// How to bring in what is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MergeMode {
    /// Behind what is there.
    Append,
    /// In the order of time, with what is new on the target.
    Interleave,
    /// As one summary, by a model or as `--text`.
    Summary,
    /// By moving the target to where the merged branch is, when it went on from there.
    FastForward,
}

/// Whose configuration, system message and edits of shared messages hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Policy {
    /// Those of the target.
    Ours,
    /// Those of the merged branch, where it changed something.
    Theirs,
}
