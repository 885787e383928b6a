//! `branchwork chat`: talking line by line.

mod command;
mod lines;
mod talk;

use std::process::ExitCode;

use branchwork::{Branch, Session, core::config::ConfigPatch, reference::PlaceReference};

use self::{
    command::{Command, HELP},
    lines::{Line, Lines},
    talk::Talk,
};
use crate::{
    args::{CallArgs, ToolArgs, Wish},
    budget,
    exit::{Code, Failure},
    mcp, output,
    provider::{self, Target},
    world::World,
};

/// Talks until the person leaves.
pub(crate) async fn run(
    world: &World,
    place: Option<String>,
    (wish, calls): (Wish, CallArgs),
    (system, tools): (Option<String>, ToolArgs),
) -> Result<ExitCode, Failure> {
    let limit = budget::limit(world, &calls.budget)?;
    let wish = wish.with(&calls);
    let offered = mcp::offered(world, &tools.tools).await?;
    let (session, branch) = open(world, place.as_deref(), &wish, system).await?;
    mcp::register(offered.as_ref(), &session)?;
    let mut talk = Talk::new(world, (session, branch), (wish, limit), offered);
    let mut lines = Lines::open()?;
    loop {
        match lines.next(&talk.prompt().await?)? {
            Line::Text(text) if text.trim().is_empty() => {}
            Line::Text(text) => {
                if !turn(&mut talk, text.trim()).await? {
                    break;
                }
            }
            Line::Interrupted => world.note("Ctrl-D or /exit leaves, /help says what there is"),
            Line::End => break,
        }
    }
    lines.close();
    Ok(ExitCode::SUCCESS)
}

/// Does what a line says; a failure is said and the talk goes on. Answers whether it does.
async fn turn(talk: &mut Talk<'_>, line: &str) -> Result<bool, Failure> {
    let result = match Command::parse(line) {
        None => talk.say(line).await,
        Some(Ok(Command::Exit)) => return Ok(false),
        Some(Ok(Command::Help)) => output::line(HELP).map_err(Failure::from),
        Some(Ok(command)) => talk.command(command).await,
        Some(Err(failure)) => Err(failure),
    };
    if let Err(failure) = result {
        if failure.is_silent() {
            return Err(failure);
        }
        crate::exit::report(&failure, false);
    }
    Ok(true)
}

/// The session that is named, or a new one. A name that is free makes a session of that name.
async fn open(
    world: &World,
    place: Option<&str>,
    wish: &Wish,
    system: Option<String>,
) -> Result<(Session, Branch), Failure> {
    let reference = place.map(PlaceReference::parse).transpose()?.unwrap_or_default();
    if reference.back > 0 {
        let message = "a chat goes on at the end of a branch";
        return Err(Failure::usage(message).with_hint("`/rewind` goes back, `/fork` goes aside"));
    }
    let PlaceReference { session: name, branch, .. } = reference;
    let found = match &name {
        Some(name) if world.db()?.exists() => {
            world.existing_engine()?.open_session(name).await.map(Some)
        }
        _ => Ok(None),
    };
    let session = match (found, branch) {
        (Ok(Some(_)), _) if system.is_some() => {
            return Err(Failure::usage("--system begins a new session, and this one exists"));
        }
        (Ok(Some(session)), Some(branch)) => {
            let branch = session.branch(&branch).await?;
            return Ok((session, branch));
        }
        (Ok(Some(session)), None) => session,
        (Ok(None), Some(_)) => return Err(Failure::usage("a branch is named, but no session")),
        (Err(branchwork::Error::NotFound { .. }) | Ok(None), None) => {
            let target = provider::resolve(world, wish, None).await?;
            create(world.engine()?, name, target, system).await?
        }
        (Err(error), _) => return Err(error.into()),
    };
    let branch = session.default_branch();
    Ok((session, branch))
}

async fn create(
    engine: &branchwork::Engine,
    name: Option<String>,
    target: Target,
    system: Option<String>,
) -> Result<Session, Failure> {
    let builder = match name {
        Some(name) => engine.session(name),
        None => engine.unnamed_session(),
    };
    let builder = builder.config(target.register(engine, ConfigPatch::default()));
    let builder = match system {
        Some(system) => builder.system(system),
        None => builder,
    };
    Ok(builder.create().await?)
}

impl From<rustyline::error::ReadlineError> for Failure {
    fn from(error: rustyline::error::ReadlineError) -> Self {
        Self::new(Code::Failure, format!("the line cannot be read: {error}"))
    }
}
