//! The commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::{
    ApprovalsCommand, CallArgs, CherryPickArgs, CompactArgs, DiffArgs, EventsArgs, ExportArgs,
    FanOutArgs, ImportArgs, KeysCommand, MailCommand, McpServersCommand, MergeArgs, ReactArgs,
    ReplayArgs, ResumeArgs, SearchArgs, ToolArgs, Wish,
};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Talk with a model, line by line; `/help` lists what else can be done there.
    Chat {
        /// The session: by name, identifier or a prefix of one; `session@branch` for a branch.
        /// A name that is new makes a new session.
        session: Option<String>,
        #[command(flatten)]
        wish: Wish,
        /// What holds for the whole conversation, in a new session.
        #[arg(short, long)]
        system: Option<String>,
        #[command(flatten)]
        tools: ToolArgs,
        #[command(flatten)]
        calls: CallArgs,
    },
    /// Append messages; no model is asked.
    Append(AppendArgs),
    /// Sessions: list, show, rename, archive, delete, search.
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// List the sessions (`sessions list`).
    Ls {
        /// Also the archived ones.
        #[arg(long)]
        all: bool,
    },
    /// Show the branches of a session as a tree.
    Tree {
        /// The session.
        session: Option<String>,
    },
    /// Show the messages of a branch.
    Log {
        /// `session`, `session@branch`.
        place: Option<String>,
        /// Only the last ones.
        #[arg(short = 'n', long = "last", value_name = "COUNT")]
        last: Option<usize>,
    },
    /// Branches: list, create, switch, rename, delete.
    #[command(subcommand)]
    Branch(BranchCommand),
    /// Fork a branch, at its end or at any message.
    Fork(ForkArgs),
    /// Go back to a message; nothing is lost, `undo` brings it back.
    Rewind {
        /// `session`, `session@branch`.
        place: String,
        /// The message that is the last one then.
        #[arg(long, value_name = "MESSAGE", required_unless_present = "steps")]
        to: Option<String>,
        /// How many messages to take off.
        #[arg(long, value_name = "COUNT", conflicts_with = "to")]
        steps: Option<usize>,
    },
    /// Take the last step of a branch back: an append, an edit, a whole turn, a rewind.
    Undo {
        /// `session`, `session@branch`.
        place: Option<String>,
    },
    /// Do the last undone step again.
    Redo {
        /// `session`, `session@branch`.
        place: Option<String>,
    },
    /// Show where the head of a branch has been.
    Reflog {
        /// `session`, `session@branch`.
        place: Option<String>,
        /// How many moves.
        #[arg(short = 'n', long = "last", value_name = "COUNT", default_value_t = 50)]
        last: usize,
    },
    /// Tell what happened on a branch, numbered: turns, messages, calls of tools, moves of the head.
    Events(EventsArgs),
    /// Bring a branch back to a place where it has been.
    Restore {
        /// `session`, `session@branch`.
        place: String,
        /// The op, from `reflog`; `@-` for the head before the last move.
        #[arg(long, value_name = "OP")]
        to: String,
    },
    /// Let a message say something else; the original stays in the history.
    Edit(EditArgs),
    /// Take a message out of a branch; it stays in the history.
    Remove {
        /// `session`, `session@branch`.
        place: String,
        /// The message.
        message: String,
    },
    /// Let a summary stand for what is old in a branch; the messages stay in the history.
    Compact(CompactArgs),
    /// Let the messages stand again that a summary stands for.
    Uncompact {
        /// `session`, `session@branch`.
        place: String,
        /// The summary.
        summary: String,
    },
    /// Say what two branches have and did since they were one: messages, edits, configuration, cost.
    Diff(DiffArgs),
    /// Bring what is new on a branch into another one. Merging again brings only what is new; one undo
    /// takes it back.
    Merge(MergeArgs),
    /// Bring single messages of a branch into another one, each with its whole turn group.
    CherryPick(CherryPickArgs),
    /// List the models of a provider, with what is known of them: how many tokens they read and write,
    /// what they can do, what a million tokens cost.
    Models {
        /// The provider; the configured one, or what is found on this machine, when not said.
        provider: Option<String>,
        /// The server to ask, by its URL.
        #[arg(long, value_name = "URL", conflicts_with = "known")]
        base_url: Option<String>,
        /// Ask nobody: list the models that this program knows, of the provider or of all.
        #[arg(long)]
        known: bool,
    },
    /// MCP servers, whose tools a model may call: list.
    #[command(subcommand)]
    McpServers(McpServersCommand),
    /// Show and change the configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Keys of providers: set, list, delete.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Show and change the configuration of a branch; each change can be undone.
    #[command(subcommand)]
    ConfigBranch(ConfigBranchCommand),
    /// Show and change what new branches of a session begin with.
    #[command(subcommand)]
    ConfigSession(ConfigSessionCommand),
    /// Find messages by their text, in all sessions and branches, the newest first.
    Search(SearchArgs),
    /// Go on with a turn that was cut off, or whose calls are approved since.
    Resume(ResumeArgs),
    /// Calls of tools that wait for approval: list, show, approve, deny.
    #[command(subcommand)]
    Approvals(ApprovalsCommand),
    /// Mail between the branches of a session: send, list, receive, refuse.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Ask many things at once, each on a fork of its own; the branch is left as it is.
    FanOut(FanOutArgs),
    /// Let a model reason and act in turns, with tools of MCP servers (all that are configured when not
    /// said), until a task is done.
    React(ReactArgs),
    /// Have a branch again from its log, offline: no model is asked, no tool runs. Says what differs.
    Replay(ReplayArgs),
    /// Write a whole session as an archive, messages or the call log as a table, or a transcript.
    Export(ExportArgs),
    /// Make a session of an archive or of a table of messages.
    Import(ImportArgs),
    /// Say what is on a branch: counts by role and sender, tools, configuration.
    Info {
        /// `session`, `session@branch`.
        place: Option<String>,
    },
    /// Say what models used: calls, tokens, cost.
    Usage {
        /// What to group by.
        #[arg(long, value_name = "WHAT", default_value = "session")]
        by: UsageKey,
        /// Say what the caches of providers saved, instead.
        #[arg(long)]
        savings: bool,
    },
    /// Check the set-up: paths, store, configuration, providers.
    Doctor,
    /// Look after the file that holds the sessions.
    #[command(subcommand)]
    Db(DbCommand),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the version.
    Version,
    /// Print `docs/reference/cli.md`.
    #[command(name = "__reference", hide = true)]
    Reference,
}

/// What to append, and where.
#[derive(Debug, Args)]
pub(crate) struct AppendArgs {
    /// `session`, `session@branch`.
    pub(crate) place: String,
    /// The text; `-` reads standard input.
    #[arg(required_unless_present = "jsonl", conflicts_with = "jsonl")]
    pub(crate) text: Option<String>,
    /// Whose voice: system, user, assistant, tool.
    #[arg(long, required_unless_present = "jsonl", conflicts_with = "jsonl")]
    pub(crate) role: Option<String>,
    /// Who it is from; the role when not said.
    #[arg(long, conflicts_with = "jsonl")]
    pub(crate) sender: Option<String>,
    /// The tool call that a message of role `tool` answers.
    #[arg(long, value_name = "CALL", conflicts_with = "jsonl")]
    pub(crate) call: Option<String>,
    /// Make the session when there is none of that name.
    #[arg(long)]
    pub(crate) create: bool,
    /// Append many: one `{"role","sender"?,"content","metadata"?}` a line; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) jsonl: Option<PathBuf>,
}

/// Where to fork.
#[derive(Debug, Args)]
pub(crate) struct ForkArgs {
    /// `session`, `session@branch`, `session@branch~3`.
    pub(crate) place: String,
    /// The last message of the fork; the branch's last one when not said.
    #[arg(long, value_name = "MESSAGE")]
    pub(crate) at: Option<String>,
    /// The name of the fork.
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// What to edit.
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// `session`, `session@branch`.
    pub(crate) place: String,
    /// The message.
    pub(crate) message: String,
    /// What it says from now on; `-` reads standard input.
    pub(crate) text: String,
}

/// Commands on sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// List the sessions, the most recently used first.
    List {
        /// Also the archived ones.
        #[arg(long)]
        all: bool,
    },
    /// Show one session.
    Show {
        /// The session.
        session: String,
    },
    /// Give a session another name.
    Rename {
        /// The session.
        session: String,
        /// The name.
        name: String,
    },
    /// Put a session out of sight.
    Archive {
        /// The session.
        session: String,
    },
    /// Bring an archived session back.
    Unarchive {
        /// The session.
        session: String,
    },
    /// Delete a session with all it holds; `db gc` then takes its space.
    Delete {
        /// The session.
        session: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Find messages by their text (`search`).
    Search(SearchArgs),
}

/// Commands on branches.
#[derive(Debug, Subcommand)]
pub(crate) enum BranchCommand {
    /// List the branches of a session.
    List {
        /// The session.
        session: Option<String>,
    },
    /// Make an empty branch.
    Create {
        /// The session.
        session: String,
        /// The name of the branch.
        name: String,
    },
    /// Make a branch the default one.
    Switch {
        /// `session@branch`.
        place: String,
    },
    /// Give a branch another name.
    Rename {
        /// `session@branch`.
        place: String,
        /// The name.
        name: String,
    },
    /// Delete a branch that is not the default one.
    Delete {
        /// `session@branch`.
        place: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

/// Commands on the configuration file.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the settings that hold, and where each comes from.
    Show,
    /// Print one setting.
    Get {
        /// `model`, `aliases.NAME`, `providers.NAME.base_url`, `providers.NAME.key_env`,
        /// `providers.NAME.key_file`, `mcp-servers.NAME.command`, `mcp-servers.NAME.url`.
        key: String,
    },
    /// Write one setting.
    Set {
        /// As for `get`.
        key: String,
        /// The value.
        value: String,
    },
    /// Print where the configuration file is.
    Path,
}

/// Commands on the configuration of a branch.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigBranchCommand {
    /// Print one setting, or all that are set.
    Get {
        /// `session`, `session@branch`.
        place: String,
        /// The setting: `model`, `temperature`, `max_tokens`, …, `extras.NAME`.
        key: Option<String>,
    },
    /// Change one setting from here on.
    Set {
        /// `session`, `session@branch`.
        place: String,
        /// As for `get`.
        key: String,
        /// The value: a text, or JSON where it is a number or a list.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take one setting away, so that the provider's default holds.
    Unset {
        /// `session`, `session@branch`.
        place: String,
        /// As for `get`.
        key: String,
    },
}

/// Commands on what new branches of a session begin with.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigSessionCommand {
    /// Print one setting, or all that are set.
    Get {
        /// The session.
        session: String,
        /// `system`, or a setting as for `config-branch`.
        key: Option<String>,
    },
    /// Change one setting for branches that are made from now on.
    Set {
        /// The session.
        session: String,
        /// As for `get`.
        key: String,
        /// The value: a text, or JSON where it is a number or a list.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take one setting away.
    Unset {
        /// The session.
        session: String,
        /// As for `get`.
        key: String,
    },
}

/// What usage is grouped by.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum UsageKey {
    Session,
    Branch,
    Model,
    Day,
}

/// Commands on the file of sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Check everything that can be checked.
    Verify,
    /// Count what is stored.
    Stats,
    /// Copy the file, consistently, while it is used.
    Backup {
        /// The copy, which must not exist yet.
        to: PathBuf,
    },
    /// Take the space of what was deleted.
    Gc,
}
