//! Commands on calls that wait for approval.

use clap::{Args, Subcommand};

/// Commands on calls of tools that wait until a person approves or denies them.
#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List the calls that wait.
    List {
        /// `session`, `session@branch`; all sessions when not said.
        place: Option<String>,
    },
    /// Show a call that waits, with its arguments and what was asked.
    Show {
        /// `session`, `session@branch`.
        place: String,
        /// The call, from `list`.
        call: String,
    },
    /// Let calls run, once their turn is resumed.
    Approve {
        #[command(flatten)]
        calls: CallsArgs,
        /// Let it run with other arguments: a JSON object.
        #[arg(long, value_name = "JSON", conflicts_with = "all")]
        arguments: Option<String>,
    },
    /// Do not let calls run; the model is told.
    Deny {
        #[command(flatten)]
        calls: CallsArgs,
        /// Why not, for the model.
        #[arg(long, value_name = "TEXT", default_value = "a person denied it")]
        reason: String,
    },
}

/// Which calls.
#[derive(Debug, Args)]
pub(crate) struct CallsArgs {
    /// `session`, `session@branch`.
    pub(crate) place: String,
    /// The calls, from `list`.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) calls: Vec<String>,
    /// All that wait on the branch.
    #[arg(long)]
    pub(crate) all: bool,
}
