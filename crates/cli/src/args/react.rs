//! What to solve by reasoning and acting.

use std::path::PathBuf;

use clap::Args;

use super::{
    CallArgs,
    ask::{AskArgs, Parameters},
    mcp::ToolArgs,
};

/// A task, where it is solved, and how.
#[derive(Debug, Args)]
pub(crate) struct ReactArgs {
    /// The task. Piped standard input is appended; `-` stands for it.
    task: String,
    /// How often the model reasons and acts, at most.
    #[arg(long, value_name = "COUNT")]
    pub(crate) rounds: Option<u32>,
    /// The session to work in, by name, identifier or a prefix of one; a new one when not said.
    #[arg(short = 'S', long, value_name = "SESSION", conflicts_with_all = ["continue_last", "new"])]
    session: Option<String>,
    /// The branch to work on; the default branch when not said.
    #[arg(short, long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Work in the session that was used last.
    #[arg(short, long = "continue", conflicts_with = "new")]
    continue_last: bool,
    /// Work in a new session, also where `BRANCHWORK_SESSION` names one.
    #[arg(long)]
    new: bool,
    /// The name of the new session.
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["session", "continue_last"])]
    title: Option<String>,
    /// The model: `provider:model`, a model of the session's provider, or an alias.
    #[arg(short, long, value_name = "MODEL")]
    model: Option<String>,
    /// The server to ask, by its URL.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Write what goes over the wire into this file, without keys; behind what is recorded in it.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// What holds for the whole conversation: begins a new session with it.
    #[arg(short, long, value_name = "TEXT")]
    system: Option<String>,
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    pub(crate) tools: ToolArgs,
    #[command(flatten)]
    calls: CallArgs,
}

impl ReactArgs {
    /// The same as options of a prompt, which say where it is asked.
    pub(crate) fn ask(&self) -> AskArgs {
        AskArgs {
            prompt: Some(self.task.clone()),
            session: self.session.clone(),
            branch: self.branch.clone(),
            continue_last: self.continue_last,
            new: self.new,
            title: self.title.clone(),
            model: self.model.clone(),
            base_url: self.base_url.clone(),
            record: self.record.clone(),
            system: self.system.clone(),
            parameters: self.parameters.clone(),
            tools: self.tools.clone(),
            calls: self.calls.clone(),
            ..AskArgs::default()
        }
    }
}
