//! What goes in and out, and where.

use std::path::PathBuf;

use clap::Args;

/// What to export, and where to.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// `session`; `session@branch` where one branch is meant.
    pub(crate) place: String,
    /// The form; an archive when not said.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// The call log of the session in place of messages, as a table.
    #[arg(long, requires = "format")]
    pub(crate) calls: bool,
    /// Every branch of the session: each to a file of its own, in the folder that -o names.
    #[arg(long, requires = "format", conflicts_with = "calls")]
    pub(crate) all_branches: bool,
    /// The file, which must not exist yet; `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
}

/// What to import.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file; `-` reads standard input.
    pub(crate) file: PathBuf,
    /// The form; found out when not said.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// The name of the session; an archive has one of its own.
    #[arg(long, value_name = "NAME")]
    pub(crate) session: Option<String>,
    /// Leave damaged lines out, and say which.
    #[arg(long)]
    pub(crate) skip_bad: bool,
}

/// A form of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Everything of a session, lossless: see docs/reference/archive.md.
    Archive,
    /// The messages of a branch, one JSON object a line.
    Jsonl,
    /// The messages of a branch as one JSON array.
    Json,
    /// The messages of a branch as CSV.
    Csv,
    /// The messages of a branch as Parquet, in a program that was built with it.
    Parquet,
    /// The messages of a branch as Markdown, for people: it is not read back.
    Markdown,
}
