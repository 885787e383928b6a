//! The options of asking a model.

use std::path::PathBuf;

use branchwork::core::config::{Change, ConfigPatch};
use clap::Args;

use super::{CallArgs, mcp::ToolArgs};
use crate::exit::{Code, Failure};

/// What to ask, where, and how.
#[derive(Debug, Clone, PartialEq, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct AskArgs {
    /// What to ask. Piped standard input is appended; `-` stands for it.
    pub(crate) prompt: Option<String>,
    /// The session to ask in, by name, identifier or a prefix of one.
    #[arg(short = 'S', long, value_name = "SESSION", conflicts_with_all = ["continue_last", "new"])]
    pub(crate) session: Option<String>,
    /// The branch to ask on; the default branch when not said.
    #[arg(short, long, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,
    /// Ask after this message: on a new branch that is forked there, unless it is the last one.
    #[arg(long, value_name = "MESSAGE")]
    pub(crate) from: Option<String>,
    /// Ask in the session that was used last.
    #[arg(short, long = "continue", conflicts_with = "new")]
    pub(crate) continue_last: bool,
    /// Ask in a new session, also where `BRANCHWORK_SESSION` names one.
    #[arg(long)]
    pub(crate) new: bool,
    /// The name of the new session.
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["session", "continue_last"])]
    pub(crate) title: Option<String>,
    /// The model: `provider:model`, a model of the session's provider, or an alias.
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// The server to ask, by its URL.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Write what goes over the wire into this file, without keys; behind what is recorded in it.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) record: Option<PathBuf>,
    /// What holds for the whole conversation: begins a new session with it.
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) tools: ToolArgs,
    /// Print the request that would be sent; send and save nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Ask so many times, each answer on a fork of its own.
    #[arg(
        short = 'n',
        long,
        value_name = "COUNT",
        conflicts_with_all = ["dry_run", "output", "raw", "stream_json"]
    )]
    pub(crate) samples: Option<usize>,
    /// Save nothing.
    #[arg(long)]
    pub(crate) no_save: bool,
    /// Write the answer to this file, which must not exist yet, instead of printing it.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print the answer and nothing else, not even a final line break.
    #[arg(short, long)]
    pub(crate) raw: bool,
    /// Print each event of the answer as a line of JSON, as it comes.
    #[arg(long, conflicts_with_all = ["raw", "output"])]
    pub(crate) stream_json: bool,
    /// Print the answer when it is whole.
    #[arg(long)]
    pub(crate) no_stream: bool,
    #[command(flatten)]
    pub(crate) calls: CallArgs,
}

/// Parameters of the model, for this call; those of a new session stay with it.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub(crate) struct Parameters {
    /// Sampling temperature, 0 to 2.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) top_p: Option<f64>,
    /// The most tokens of the answer.
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_tokens: Option<u32>,
    /// Seed for sampling.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) seed: Option<i64>,
    /// Stop at this text; can be given several times.
    #[arg(long, value_name = "TEXT")]
    pub(crate) stop: Vec<String>,
}

impl Parameters {
    /// The change of configuration they ask for.
    pub(crate) fn patch(&self) -> ConfigPatch {
        fn change<T: Clone>(value: Option<&T>) -> Change<T> {
            value.cloned().map_or(Change::Keep, Change::Set)
        }
        ConfigPatch {
            temperature: change(self.temperature.as_ref()),
            top_p: change(self.top_p.as_ref()),
            max_tokens: change(self.max_tokens.as_ref()),
            seed: change(self.seed.as_ref()),
            stop: change(Some(&self.stop).filter(|stop| !stop.is_empty())),
            ..ConfigPatch::default()
        }
    }
}

impl AskArgs {
    /// The options, so that several answers are not the same one.
    pub(crate) fn checked(mut self) -> Result<Self, Failure> {
        if self.samples.is_some_and(|count| count > 1) {
            self.calls = self.calls.without_cache("-n")?;
        }
        Ok(self)
    }

    /// Refuses options of asking before a command: nothing is silently ignored.
    pub(crate) fn check_unused(&self) -> Result<(), Failure> {
        if *self == Self::default() {
            return Ok(());
        }
        let message = "options of a prompt cannot be combined with a command";
        Err(Failure::new(Code::Usage, message)
            .with_hint("options of a command come after its name; `branchwork help` lists them"))
    }
}
