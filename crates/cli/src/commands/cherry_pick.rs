//! `branchwork cherry-pick`.

use super::merge::{print_merged, print_plan};
use crate::{args::CherryPickArgs, exit::Failure, place, world::World};

pub(super) async fn run(world: &World, args: CherryPickArgs) -> Result<(), Failure> {
    let place = place::named_branch(world.existing_engine()?, &args.from).await?;
    let into = place.session.branch(&args.into).await?;
    let mut messages = Vec::with_capacity(args.messages.len());
    for message in &args.messages {
        messages.push(place.branch.message(message).await?.id);
    }
    let pick = place.session.cherry_pick(&place.branch, messages).into(&into);
    if args.dry_run {
        return print_plan(world, &pick.plan().await?);
    }
    print_merged(world, &into, &pick.await?).await
}
