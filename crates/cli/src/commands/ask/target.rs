//! Where to ask: the session, the branch, and the configuration of the call.

use branchwork::{
    Branch, Session,
    core::{config::ConfigPatch, graph::View, id::MessageId},
};

use crate::{
    args::{AskArgs, Wish},
    env,
    exit::{Code, Failure},
    provider,
    world::World,
};

/// Where to ask, and how.
pub(crate) struct Asked {
    pub(crate) session: Session,
    pub(crate) branch: Branch,
    /// What holds for this call only.
    pub(crate) config: ConfigPatch,
    pub(crate) is_new: bool,
}

/// Finds or makes the session and the branch, and registers the provider.
pub(crate) async fn find(world: &World, args: &AskArgs) -> Result<Asked, Failure> {
    let Some(session) = existing(world, args).await? else {
        return create(world, args).await;
    };
    refuse_system(args)?;
    let branch = branch_of(&session, args).await?;
    let (view, fork_at) = view_of(&branch, args).await?;
    let target = provider::resolve(world, &Wish::of(args), Some(view.config())).await?;
    let patch = args.parameters.patch();
    patch.check().map_err(branchwork::Error::from)?;
    let branch = match fork_at {
        Some(message) => fork(world, &branch, message).await?,
        None => branch,
    };
    let config = target.register(session.engine(), patch);
    Ok(Asked { session, branch, config, is_new: false })
}

/// The session that the options or the environment name. Makes no file.
pub(super) async fn existing(world: &World, args: &AskArgs) -> Result<Option<Session>, Failure> {
    if args.no_save {
        return Ok(None);
    }
    if args.continue_last {
        let engine = world.existing_engine()?;
        let sessions = engine.sessions().await?;
        let last = sessions.iter().find(|session| session.archived.is_none());
        let last = last.ok_or_else(|| {
            Failure::new(Code::NotFound, "there is no session to continue")
                .with_hint("ask without -c to begin one")
        })?;
        return Ok(Some(engine.open_session(&last.id.to_string()).await?));
    }
    let is_new = args.new || args.title.is_some() || args.system.is_some();
    let of_environment = || env::text("BRANCHWORK_SESSION").filter(|_| !is_new);
    let Some(name) = args.session.clone().or_else(of_environment) else {
        if args.branch.is_some() || args.from.is_some() {
            return Err(Failure::usage("a branch or message is named, but no session")
                .with_hint("give -S SESSION, or -c"));
        }
        return Ok(None);
    };
    world.existing_engine()?.open_session(&name).await.map(Some).map_err(|error| {
        let failure = Failure::from(error);
        if failure.has_hint() {
            failure
        } else {
            failure.with_hint("`-t NAME` begins a session of that name")
        }
    })
}

pub(super) async fn branch_of(session: &Session, args: &AskArgs) -> Result<Branch, Failure> {
    match &args.branch {
        Some(name) => Ok(session.branch(name).await?),
        None => Ok(session.default_branch()),
    }
}

/// Refuses a system message for a session that is there.
pub(super) fn refuse_system(args: &AskArgs) -> Result<(), Failure> {
    if args.system.is_none() {
        return Ok(());
    }
    let message = "--system begins a new session, and this one exists";
    Err(Failure::usage(message).with_hint("give --new, or leave --system out"))
}

/// What is there where it is asked, and the message of `--from` when a fork is needed there: it is not the
/// last one.
pub(super) async fn view_of(
    branch: &Branch,
    args: &AskArgs,
) -> Result<(View, Option<MessageId>), Failure> {
    let view = branch.view().await?;
    let Some(from) = &args.from else { return Ok((view, None)) };
    let message = branch.message(from).await?.id;
    if view.last().is_some_and(|last| last.id == message) {
        return Ok((view, None));
    }
    let head = view.head_at(message).map_err(branchwork::Error::from)?;
    Ok((view.at(Some(head)).map_err(branchwork::Error::from)?, Some(message)))
}

async fn fork(world: &World, branch: &Branch, message: MessageId) -> Result<Branch, Failure> {
    let fork = branch.fork_unnamed().at(message).await?;
    if world.global.verbose > 0 {
        world.note(&format!("forked to branch {}", fork.record().await?.name));
    }
    Ok(fork)
}

/// Makes the session. Everything that can be wrong is found out before.
async fn create(world: &World, args: &AskArgs) -> Result<Asked, Failure> {
    let target = provider::resolve(world, &Wish::of(args), None).await?;
    let engine = if args.no_save { world.ephemeral_engine() } else { world.engine()? };
    let config = target.register(engine, args.parameters.patch());
    let builder = match &args.title {
        Some(title) => engine.session(title),
        None => engine.unnamed_session(),
    };
    let builder = builder.config(config);
    let builder = match &args.system {
        Some(system) => builder.system(system),
        None => builder,
    };
    let session = builder.create().await?;
    let branch = session.default_branch();
    Ok(Asked { session, branch, config: ConfigPatch::default(), is_new: true })
}
