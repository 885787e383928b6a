//! What the commands do, one file each.

mod append;
mod approvals;
pub(crate) mod ask;
mod branch;
mod cherry_pick;
mod compact;
mod config;
pub(crate) mod config_branch;
mod config_session;
mod db;
pub(crate) mod diff;
mod doctor;
mod edit;
mod events;
mod export;
mod fan_out;
mod import;
mod info;
mod keys;
mod log;
pub(crate) mod mail;
mod mcp_servers;
pub(crate) mod merge;
mod models;
mod moves;
mod react;
mod replay;
mod resume;
mod search;
mod sessions;
mod tree;
mod usage;
mod version;

pub(crate) use self::tree::draw as draw_tree;

use std::process::ExitCode;

use branchwork::table::Format as Table;

use crate::{
    args::{Command, Format},
    exit::Failure,
    reference, repl,
    world::World,
};

/// Runs one command.
pub(crate) async fn run(world: &World, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Chat { session, wish, system, tools, calls } => {
            return repl::run(world, session, (wish, calls), (system, tools)).await;
        }
        Command::FanOut(args) => return fan_out::run(world, args).await,
        Command::Events(args) => return events::run(world, args).await,
        Command::Resume(args) => return resume::run(world, args).await,
        Command::React(args) => return react::run(world, args).await,
        Command::Replay(args) => return replay::run(world, args).await,
        Command::Db(command) => return db::run(world, command).await,
        Command::Doctor => return doctor::run(world).await,
        Command::Append(args) => append::run(world, args).await,
        Command::Sessions(command) => sessions::run(world, command).await,
        Command::Ls { all } => sessions::list(world, all).await,
        Command::Tree { session } => tree::run(world, session.as_deref()).await,
        Command::Log { place, last } => log::run(world, place.as_deref(), last).await,
        Command::Branch(command) => branch::run(world, command).await,
        Command::Fork(args) => branch::fork(world, args).await,
        Command::Rewind { place, to, steps } => moves::rewind(world, &place, to, steps).await,
        Command::Undo { place } => moves::undo(world, place.as_deref()).await,
        Command::Redo { place } => moves::redo(world, place.as_deref()).await,
        Command::Reflog { place, last } => log::reflog(world, place.as_deref(), last).await,
        Command::Restore { place, to } => moves::restore(world, &place, &to).await,
        Command::Edit(args) => edit::run(world, args).await,
        Command::Remove { place, message } => edit::remove(world, &place, &message).await,
        Command::Compact(args) => compact::run(world, args).await,
        Command::Uncompact { place, summary } => compact::undo(world, &place, &summary).await,
        Command::Diff(args) => diff::run(world, args).await,
        Command::Merge(args) => merge::run(world, args).await,
        Command::CherryPick(args) => cherry_pick::run(world, args).await,
        Command::Models { provider, known: true, .. } => models::known(world, provider.as_deref()),
        Command::Models { provider, base_url, .. } => models::run(world, provider, base_url).await,
        Command::McpServers(command) => mcp_servers::run(world, command).await,
        Command::Config(command) => config::run(world, command),
        Command::Keys(command) => keys::run(world, command),
        Command::ConfigBranch(command) => config_branch::run(world, command).await,
        Command::ConfigSession(command) => config_session::run(world, command).await,
        Command::Search(args) => search::run(world, args).await,
        Command::Mail(command) => mail::run(world, command).await,
        Command::Approvals(command) => approvals::run(world, command).await,
        Command::Export(args) => export::run(world, args).await,
        Command::Import(args) => import::run(world, args).await,
        Command::Info { place } => info::run(world, place.as_deref()).await,
        Command::Usage { by, savings } => usage::run(world, by, savings).await,
        Command::Completions { shell } => version::completions(shell),
        Command::Version => version::run(world),
        Command::Reference => reference::print(),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// The form of a table.
fn table_format(format: Format) -> Result<Table, Failure> {
    match format {
        Format::Csv => Ok(Table::Csv),
        Format::Json => Ok(Table::Json),
        Format::Jsonl => Ok(Table::JsonLines),
        #[cfg(feature = "parquet")]
        Format::Parquet => Ok(Table::Parquet),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(Failure::usage("this program was built without Parquet")
            .with_hint("build it with `--features parquet`")),
        Format::Archive | Format::Markdown => Err(Failure::usage("it is no table")),
    }
}

/// Asks a person whether to go on; at anything but a terminal, the option must have said so.
fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    confirm_or(question, yes, "nothing was deleted")
}

/// As [`confirm`]; what a person who says no is told.
fn confirm_or(question: &str, yes: bool, otherwise: &str) -> Result<(), Failure> {
    use std::io::{IsTerminal as _, stdin};
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        return Err(Failure::usage(format!("{question} wants to be confirmed"))
            .with_hint("give --yes to confirm it"));
    }
    crate::output::complain(&format!("{question} [y/N]"));
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::new(crate::exit::Code::Failure, otherwise))
    }
}
