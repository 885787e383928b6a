//! `--dry-run`: the request that would be sent. Sends and saves nothing.

use std::{process::ExitCode, sync::Arc};

use branchwork::{
    Branch, RandomIds,
    core::{
        clock::Timestamp,
        graph::{Extent, StepWriter, View},
        id::OpId,
        message::{Body, Draft},
        provider::{ModelRequest, ToolChoice},
    },
};
use serde_json::{Value, json};

use super::target;
use crate::{
    args::{AskArgs, Wish},
    exit::Failure,
    mcp::Offered,
    output, provider,
    world::World,
};

pub(super) async fn run(
    world: &World,
    args: &AskArgs,
    prompt: &str,
    offered: Option<&Offered>,
) -> Result<ExitCode, Failure> {
    let place = match target::existing(world, args).await? {
        None => None,
        Some(session) => {
            target::refuse_system(args)?;
            Some(place(&target::branch_of(&session, args).await?, args).await?)
        }
    };
    let is_new = place.is_none();
    let own = place.as_ref().map(|(view, _)| view.config().clone());
    let (view, tip) = place.unwrap_or_default();
    let whom = provider::resolve(world, &Wish::of(args), own.as_ref()).await?;
    let patch = args.parameters.patch().with_model(Some(whom.provider), whom.model);
    patch.check().map_err(branchwork::Error::from)?;
    let config = view.config().patched(&patch);
    let view = asked(view, tip, args.system.as_deref().filter(|_| is_new), prompt)?;
    let mut hints = view.cache_hints();
    if is_new {
        // It follows from the session, which is not there yet.
        hints.key = None;
    }
    let request = ModelRequest::new(view.messages().map(Arc::clone).collect(), config);
    let tools = offered.map(Offered::specs).unwrap_or_default();
    let request = request.with_tools(tools, ToolChoice::Auto).with_cache(hints);
    let request = if args.no_stream { request.without_stream() } else { request };
    let rendered = whom.handle.render(&request)?;
    let text = rendered.body.to_string();
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    output::json(&json!({ "url": rendered.url, "body": body, "adapted": rendered.adapted }))?;
    Ok(ExitCode::SUCCESS)
}

/// What there is where it would be asked, and the newest op of the stretch that would go on: a fork goes on
/// with none.
async fn place(branch: &Branch, args: &AskArgs) -> Result<(View, Option<OpId>), Failure> {
    let (view, fork_at) = target::view_of(branch, args).await?;
    let tip = if fork_at.is_none() { branch.record().await?.tip } else { None };
    Ok((view, tip))
}

/// `view` with what would be said, which is kept nowhere.
fn asked(
    view: View,
    tip: Option<OpId>,
    system: Option<&str>,
    prompt: &str,
) -> Result<View, Failure> {
    let ids = RandomIds::default();
    let mut step = StepWriter::after(view, tip, &ids, Timestamp::default());
    let system = system.map(|text| Body::System { text: text.to_owned() });
    let bodies = system.into_iter().chain([Body::instruction(prompt)]);
    step.messages(bodies.map(Draft::new)).map_err(branchwork::Error::from)?;
    Ok(step.finish(Extent::Whole).1)
}
