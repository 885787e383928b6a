//! `branchwork resume`: goes on with a turn that was cut off, or whose calls are approved since.

use std::process::ExitCode;

use super::ask::show;
use crate::{
    args::{AskArgs, ResumeArgs},
    budget::{self, Asks},
    exit::Failure,
    mcp, place, provider,
    world::World,
};

pub(super) async fn run(world: &World, args: ResumeArgs) -> Result<ExitCode, Failure> {
    let engine = world.existing_engine()?;
    let place = place::branch(engine, args.place.as_deref()).await?;
    let limit = budget::limit(world, &args.calls.budget)?;
    let patch = args.parameters.patch();
    patch.check().map_err(branchwork::Error::from)?;
    let offered = mcp::offered(world, &args.tools.tools).await?;
    let own = place.branch.view().await?.config().clone();
    let target = provider::resolve(world, &args.wish.with(&args.calls), Some(&own)).await?;
    budget::set(limit, (&place.session, &place.branch), Asks::Here).await?;
    let config = target.register(engine, patch);
    let tools = mcp::register(offered.as_ref(), &place.session)?;
    let chat = place.branch.resume().with_config(config).with_tools(tools);
    show(world, &AskArgs::default(), &place.branch, chat.stream()).await
}
