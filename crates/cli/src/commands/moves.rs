//! `branchwork rewind`, `undo`, `redo`, `restore`.

use serde_json::json;

use crate::{
    exit::Failure,
    output,
    place::{self, Place},
    world::World,
};

pub(super) async fn rewind(
    world: &World,
    at: &str,
    to: Option<String>,
    steps: Option<usize>,
) -> Result<(), Failure> {
    let place = place::find(world.existing_engine()?, Some(at)).await?;
    if place.back > 0 {
        let message = format!("`{at}` names a message, a branch is wanted");
        return Err(Failure::usage(message).with_hint("say how far back with --to or --steps"));
    }
    match (to, steps) {
        (Some(to), _) => {
            let message = place.branch.message(&to).await?;
            place.branch.rewind(message.id).await?;
        }
        (None, steps) => drop(place.branch.rollback(steps.unwrap_or_default()).await?),
    }
    report(world, &place).await
}

pub(super) async fn undo(world: &World, at: Option<&str>) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, at).await?;
    place.branch.undo().await?;
    report(world, &place).await
}

pub(super) async fn redo(world: &World, at: Option<&str>) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, at).await?;
    place.branch.redo().await?;
    report(world, &place).await
}

pub(super) async fn restore(world: &World, at: &str, to: &str) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, Some(at)).await?;
    let op = place.branch.find_op(to).await?;
    place.branch.restore(op).await?;
    report(world, &place).await
}

/// Says where the branch is now.
async fn report(world: &World, place: &Place) -> Result<(), Failure> {
    let record = place.branch.record().await?;
    if world.global.json {
        output::json(&json!({
            "session": place.session.id().to_string(),
            "branch": record.name,
            "head": record.head.map(|head| head.to_string()),
            "messages": record.messages,
        }))?;
    } else {
        output::line(&format!("{}: {} messages", record.name, record.messages))?;
    }
    Ok(())
}
