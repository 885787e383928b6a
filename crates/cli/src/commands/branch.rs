//! `branchwork branch …` and `branchwork fork`.

use serde_json::{Value, json};

use super::confirm;
use crate::{
    args::{BranchCommand, ForkArgs},
    exit::Failure,
    output::{self, branch_value},
    place::{self, Place},
    world::World,
};

pub(super) async fn run(world: &World, command: BranchCommand) -> Result<(), Failure> {
    let engine = world.existing_engine()?;
    match command {
        BranchCommand::List { session } => list(world, session.as_deref()).await,
        BranchCommand::Create { session, name } => {
            let session = place::session(engine, Some(&session)).await?;
            let branch = session.create_branch(name).await?;
            report(world, &Place { session, branch, back: 0 }).await
        }
        BranchCommand::Switch { place } => {
            let place = place::named_branch(engine, &place).await?;
            place.session.switch(&place.branch).await?;
            report(world, &place).await
        }
        BranchCommand::Rename { place, name } => {
            let place = place::named_branch(engine, &place).await?;
            place.branch.rename(name).await?;
            report(world, &place).await
        }
        BranchCommand::Delete { place, yes } => {
            let place = place::named_branch(engine, &place).await?;
            let name = place.branch.record().await?.name;
            confirm(&format!("deleting branch `{name}`"), yes)?;
            place.branch.delete().await?;
            if world.global.json {
                let session = place.session.id().to_string();
                output::json(&json!({ "session": session, "deleted": name }))?;
            }
            Ok(())
        }
    }
}

pub(super) async fn fork(world: &World, args: ForkArgs) -> Result<(), Failure> {
    let engine = world.existing_engine()?;
    let place = place::find(engine, Some(&args.place)).await?;
    if args.at.is_some() && place.back > 0 {
        return Err(Failure::usage("the message is named twice: by `~` and by --at"));
    }
    let back = (place.back > 0).then(|| format!("~{}", place.back));
    let fork = match args.name {
        Some(name) => place.branch.fork(name),
        None => place.branch.fork_unnamed(),
    };
    let fork = match args.at.or(back) {
        Some(at) => fork.at(place.branch.message(&at).await?.id),
        None => fork,
    };
    let branch = fork.await?;
    report(world, &Place { branch, ..place }).await
}

/// Says which branch it is now about.
async fn report(world: &World, place: &Place) -> Result<(), Failure> {
    let branch = place.branch.record().await?;
    if world.global.json {
        output::json(&json!({
            "session": place.session.id().to_string(),
            "branch": branch.name,
            "head": branch.head.map(|head| head.to_string()),
        }))?;
    } else {
        output::line(&branch.name)?;
    }
    Ok(())
}

async fn list(world: &World, session: Option<&str>) -> Result<(), Failure> {
    let session = place::session(world.existing_engine()?, session).await?;
    let default = session.default_branch().id();
    let branches = session.branches().await?;
    if world.global.json {
        let branches: Vec<Value> =
            branches.iter().map(|branch| branch_value(branch, default)).collect();
        output::json(&json!({ "session": session.id().to_string(), "branches": branches }))?;
        return Ok(());
    }
    for branch in branches {
        let mark = if branch.id == default { "*" } else { " " };
        let name =
            if branch.id == default { world.paint.bold(&branch.name) } else { branch.name.clone() };
        let id = world.paint.dim(&branch.id.to_string());
        output::line(&format!("{mark} {name}  {} messages  {id}", branch.messages))?;
    }
    Ok(())
}
