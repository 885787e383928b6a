//! `branchwork PROMPT`: asks a model and keeps the conversation.

mod answer;
mod dry_run;
mod target;

use std::{io::IsTerminal as _, process::ExitCode};

use branchwork::{
    Chat,
    core::message::{Body, Draft},
};
use clap::CommandFactory as _;

pub(crate) use self::answer::{stopped, usage_value};
pub(super) use self::{
    answer::{answer_value, show},
    target::{Asked, find},
};
use super::fan_out;
use crate::{
    args::{AskArgs, Cli},
    budget::{self, Asks},
    exit::{Code, Failure},
    input, mcp, output,
    world::World,
};

/// Asks.
pub(crate) async fn run(world: &World, args: AskArgs) -> Result<ExitCode, Failure> {
    let Some(prompt) = prompt(args.prompt.as_deref())? else {
        output::complain(&Cli::command().render_help().to_string());
        return Ok(Code::Usage.exit());
    };
    check(&prompt)?;
    if args.no_save && (args.session.is_some() || args.continue_last || args.from.is_some()) {
        return Err(Failure::usage("with --no-save there is no session to go on in"));
    }
    if let Some(path) = &args.output
        && path.exists()
    {
        let message = format!("{} exists already", path.display());
        return Err(Failure::new(Code::Conflict, message).with_hint("it is not overwritten"));
    }
    let limit = budget::limit(world, &args.calls.budget)?;
    let args = args.checked()?;
    let offered = mcp::offered(world, &args.tools.tools).await?;
    if args.dry_run {
        return dry_run::run(world, &args, &prompt, offered.as_ref()).await;
    }
    let Asked { session, branch, config, is_new } = find(world, &args).await?;
    let asks = if args.samples.is_some() { Asks::OnForks } else { Asks::Here };
    budget::set(limit, (&session, &branch), asks).await?;
    let in_one_piece = args.no_stream;
    let tools = mcp::register(offered.as_ref(), &session)?;
    let options = move |chat: Chat| {
        let chat = chat.with_config(config.clone()).with_tools(tools.clone());
        if in_one_piece { chat.in_one_piece() } else { chat }
    };
    let code = match args.samples {
        Some(count) => fan_out::samples(world, (&branch, prompt), count, options).await?,
        None => show(world, &args, &branch, options(branch.chat(prompt)).stream()).await?,
    };
    if is_new && !args.no_save && std::io::stderr().is_terminal() && !world.global.json {
        world.note(&format!("session {}; go on with `branchwork -c`", session.id()));
    }
    Ok(code)
}

/// The prompt, which is there.
pub(super) fn prompt_of(args: &AskArgs) -> Result<String, Failure> {
    let prompt = prompt(args.prompt.as_deref())?.unwrap_or_default();
    check(&prompt)?;
    Ok(prompt)
}

/// Checked before anything is made: a prompt that cannot be kept leaves nothing behind.
fn check(prompt: &str) -> Result<(), Failure> {
    if prompt.trim().is_empty() {
        return Err(Failure::usage("the prompt is empty"));
    }
    Ok(Draft::new(Body::instruction(prompt)).check().map_err(branchwork::Error::from)?)
}

/// The prompt with what was piped in; `None` when there is neither.
fn prompt(argument: Option<&str>) -> Result<Option<String>, Failure> {
    match argument {
        Some("-") => input::stdin().map(Some),
        Some(prompt) => Ok(Some(match input::piped()? {
            Some(piped) if !piped.trim().is_empty() => format!("{prompt}\n\n{piped}"),
            _ => prompt.to_owned(),
        })),
        None => input::piped(),
    }
}
