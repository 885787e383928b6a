//! `branchwork log` and `branchwork reflog`.

use std::sync::Arc;

use branchwork::{
    core::{id::OpId, message::Message},
    time::rfc3339,
};
use serde_json::{Value, json};

use crate::{
    exit::{Code, Failure},
    output::{self, message_value, print_message},
    place,
    world::World,
};

pub(super) async fn run(
    world: &World,
    at: Option<&str>,
    last: Option<usize>,
) -> Result<(), Failure> {
    let place = place::find(world.existing_engine()?, at).await?;
    let record = place.branch.record().await?;
    let mut messages: Vec<Arc<Message>> = match last {
        // The page is read from the head backwards; the rest of the branch is not looked at.
        Some(last) => place.branch.page(last.saturating_add(place.back)).await?,
        None => place.branch.view().await?.messages().map(Arc::clone).collect(),
    };
    if place.back > 0
        && place.back >= messages.len()
        && place.back >= place.branch.view().await?.len()
    {
        let (at, count) = (at.unwrap_or_default(), messages.len());
        let message = format!("there is no message `{at}`: the branch has {count} messages");
        return Err(Failure::new(Code::NotFound, message));
    }
    messages.truncate(messages.len().saturating_sub(place.back));
    if world.global.json {
        let messages: Vec<Value> = messages.iter().map(|message| message_value(message)).collect();
        output::json(&json!({
            "session": place.session.id().to_string(),
            "branch": record.name,
            "head": record.head.map(|head| head.to_string()),
            "messages": messages,
        }))?;
        return Ok(());
    }
    for message in messages {
        print_message(&message, world.paint)?;
    }
    Ok(())
}

pub(super) async fn reflog(world: &World, at: Option<&str>, last: usize) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, at).await?;
    let entries = place.branch.reflog(last).await?;
    let text = |op: Option<OpId>| op.map(|op| op.to_string());
    if world.global.json {
        let entries: Vec<Value> = entries
            .iter()
            .map(|entry| {
                json!({
                    "revision": entry.revision, "cause": entry.cause.as_str(),
                    "from": text(entry.from), "to": text(entry.to), "at": rfc3339(entry.at),
                })
            })
            .collect();
        let record = place.branch.record().await?;
        output::json(&json!({
            "session": place.session.id().to_string(),
            "branch": record.name,
            "head": text(record.head),
            "entries": entries,
        }))?;
        return Ok(());
    }
    for entry in entries {
        let to = text(entry.to).unwrap_or_else(|| "(empty)".to_owned());
        let cause = entry.cause.as_str();
        output::line(&format!("{:>6}  {cause:<8} {to}  {}", entry.revision, rfc3339(entry.at)))?;
    }
    Ok(())
}
