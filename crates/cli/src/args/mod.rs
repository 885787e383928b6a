//! The definitions of commands and options.

mod approvals;
mod ask;
mod budget;
mod calls;
mod command;
mod compact;
mod diff;
mod duration;
mod events;
mod fan_out;
mod keys;
mod mail;
mod mcp;
mod merge;
mod react;
mod replay;
mod resilience;
mod resume;
mod search;
mod transfer;
mod wish;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, ValueEnum};

pub(crate) use self::{
    approvals::{ApprovalsCommand, CallsArgs},
    ask::AskArgs,
    budget::{BudgetArgs, Over, Scope, dollars},
    calls::CallArgs,
    command::{
        AppendArgs, BranchCommand, Command, ConfigBranchCommand, ConfigCommand,
        ConfigSessionCommand, DbCommand, EditArgs, ForkArgs, SessionsCommand, UsageKey,
    },
    compact::CompactArgs,
    diff::DiffArgs,
    events::EventsArgs,
    fan_out::FanOutArgs,
    keys::{KeysCommand, WhoseKey},
    mail::{MailCommand, ReceiveArgs, SendArgs},
    mcp::{McpServersCommand, ToolArgs},
    merge::{CherryPickArgs, MergeArgs, MergeMode, Policy},
    react::ReactArgs,
    replay::ReplayArgs,
    resilience::Resilience,
    resume::ResumeArgs,
    search::SearchArgs,
    transfer::{ExportArgs, Format, ImportArgs},
    wish::Wish,
};

/// Durable, branching conversations with language models.
///
/// Asks a model and keeps the conversation: `branchwork "Plan a day in Rome"`, then
/// `branchwork -c "And if it rains?"`. Fork it anywhere, go back, lose nothing.
#[derive(Debug, Parser)]
#[command(name = "branchwork", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  branchwork -m openai:gpt-5-mini \"Plan a day in Rome\"   ask, in a new session
  git diff | branchwork -c \"Review this\"                 go on in the last session
  branchwork fork trip --at ~2 --name rainy              fork before the last two messages
  branchwork -S trip -b rainy \"It rains\"                 go on there
  branchwork chat trip                                   talk";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The file that holds the sessions.
    #[arg(long, global = true, value_name = "PATH", env = "BRANCHWORK_DB")]
    pub(crate) db: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,
    /// Print no notes.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more about what is done: turns, calls and flows as they end; twice, commits too; three times, all.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
