//! What to ask on forks.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::{CallArgs, ask::Parameters, mcp::ToolArgs};

/// What to ask, each on a fork of its own.
#[derive(Debug, Args)]
pub(crate) struct FanOutArgs {
    /// `session`, `session@branch`: every fork begins at its end.
    pub(crate) place: String,
    /// What to ask; `-` reads standard input, an instruction a line.
    #[arg(required = true, value_name = "INSTRUCTION")]
    pub(crate) instructions: Vec<String>,
    /// Ask each with this context, as JSON; can be given several times.
    #[arg(long, value_name = "JSON", value_parser = context)]
    pub(crate) context: Vec<Value>,
    /// Ask this model: `provider:model`, or an alias; can be given several times.
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// Ask each so many times.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 1)]
    pub(crate) samples: usize,
    /// Ask so many at the same time.
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    pub(crate) concurrency: usize,
    /// The server to ask, by its URL.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Write what goes over the wire into this file, without keys; behind what is recorded in it.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) tools: ToolArgs,
    #[command(flatten)]
    pub(crate) calls: CallArgs,
}

fn context(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))
}
