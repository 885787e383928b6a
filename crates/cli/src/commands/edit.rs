//! `branchwork edit` and `branchwork remove`.

use branchwork::core::id::{MessageId, OpId};
use serde_json::json;

use crate::{
    args::EditArgs,
    exit::Failure,
    input, output,
    place::{self, Place},
    world::World,
};

pub(super) async fn run(world: &World, args: EditArgs) -> Result<(), Failure> {
    let text = input::text_or_stdin(args.text)?;
    if text.trim().is_empty() {
        return Err(Failure::usage("the text is empty")
            .with_hint("`branchwork remove` takes a message out"));
    }
    let place = place::branch(world.existing_engine()?, Some(&args.place)).await?;
    let message = place.branch.message(&args.message).await?;
    let body = message.body.with_text(text).ok_or_else(|| {
        let kind = message.body.kind();
        Failure::usage(format!("a message of kind {kind} is a record and cannot be edited"))
    })?;
    let head = place.branch.edit(message.id, body).await?;
    report(world, &place, message.id, head).await
}

pub(super) async fn remove(world: &World, at: &str, message: &str) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, Some(at)).await?;
    let message = place.branch.message(message).await?.id;
    let head = place.branch.remove(message).await?;
    report(world, &place, message, head).await
}

async fn report(
    world: &World,
    place: &Place,
    message: MessageId,
    head: OpId,
) -> Result<(), Failure> {
    if !world.global.json {
        return Ok(output::line(&head.to_string())?);
    }
    let branch = place.branch.record().await?;
    output::json(&json!({
        "session": place.session.id().to_string(),
        "branch": branch.name,
        "message": message.to_string(),
        "head": head.to_string(),
    }))?;
    Ok(())
}
