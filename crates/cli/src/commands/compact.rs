//! `branchwork compact` and `branchwork uncompact`.

use branchwork::core::config::ConfigPatch;
use serde_json::json;

use crate::{
    args::CompactArgs,
    budget::{self, Asks},
    exit::Failure,
    input, output,
    place::{self, Place},
    provider,
    world::World,
};

pub(super) async fn run(world: &World, args: CompactArgs) -> Result<(), Failure> {
    let engine = world.existing_engine()?;
    let limit = budget::limit(world, &args.calls.budget)?;
    let Place { session, branch, .. } = place::branch(engine, Some(&args.place)).await?;
    let compact = branch.compact().keeping(args.keep);
    let compact = if let Some(summary) = args.summary {
        let summary = input::text_or_stdin(summary)?;
        if summary.trim().is_empty() {
            return Err(Failure::usage("the summary is empty"));
        }
        compact.by(move |_| summary)
    } else {
        let own = branch.view().await?.config().clone();
        let target = provider::resolve(world, &args.wish.with(&args.calls), Some(&own)).await?;
        budget::set(limit, (&session, &branch), Asks::Aside).await?;
        compact.with_config(target.register(engine, ConfigPatch::new()))
    };
    let compacted = compact.await?;
    if world.global.json {
        let value = json!({ "summary": compacted.summary.to_string(), "folded": compacted.folded });
        return Ok(output::json(&value)?);
    }
    output::line(&compacted.summary.to_string())?;
    world.note(&format!("it stands for {} messages", compacted.folded));
    Ok(())
}

pub(super) async fn undo(world: &World, at: &str, summary: &str) -> Result<(), Failure> {
    let branch = place::branch(world.existing_engine()?, Some(at)).await?.branch;
    let summary = branch.message(summary).await?.id;
    let messages = branch.view().await?.folded(summary).into_iter().flatten().count();
    branch.unfold(summary).await?;
    if world.global.json {
        let value = json!({ "summary": summary.to_string(), "messages": messages });
        return Ok(output::json(&value)?);
    }
    Ok(output::line(&format!("{messages} messages stand again"))?)
}
