//! `--dry-run`: the request that would be sent. Sends and saves nothing.

use std::{process::ExitCode, sync::Arc};

use branchwork::core::{
    clock::Timestamp,
    graph::{Extent, StepWriter, View},
    message::{Body, Draft},
    provider::{ModelRequest, Provider as _, ToolChoice},
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
    let (view, own) = match target::existing(world, args).await? {
        None => (with_system(args)?, None),
        Some(session) => {
            let branch = target::branch_of(&session, args).await?;
            let view = branch.view().await?;
            let head = match &args.from {
                Some(from) => Some(
                    view.head_at(branch.message(from).await?.id)
                        .map_err(branchwork::Error::from)?,
                ),
                None => view.head(),
            };
            let view = view.at(head).map_err(branchwork::Error::from)?;
            let config = view.config().clone();
            (view, Some(config))
        }
    };
    let whom = provider::resolve(&world.config, &Wish::of(args), own.as_ref()).await?;
    let patch = args.parameters.patch().with_model(Some(whom.provider), whom.model);
    patch.check().map_err(branchwork::Error::from)?;
    let config = view.config().patched(&patch);
    let mut hints = view.cache_hints();
    if args.from.is_some() && !view.is_empty() {
        // It would be asked on a fork.
        hints.shared.push(view.len());
        hints.shared.dedup();
    }
    let view = with(view, Body::instruction(prompt))?;
    let request = ModelRequest::new(view.messages().map(Arc::clone).collect(), config);
    let tools = offered.map(Offered::specs).unwrap_or_default();
    let request = request.with_tools(tools, ToolChoice::Auto).with_cache(hints);
    let request = if args.no_stream { request.without_stream() } else { request };
    let rendered = whom.handle.render(&request)?;
    let body: Value = serde_json::from_str(&rendered.body).unwrap_or(Value::String(rendered.body));
    output::json(&json!({ "url": rendered.url, "body": body, "adapted": rendered.adapted }))?;
    Ok(ExitCode::SUCCESS)
}

fn with_system(args: &AskArgs) -> Result<View, Failure> {
    match &args.system {
        Some(system) => with(View::default(), Body::System { text: system.clone() }),
        None => Ok(View::default()),
    }
}

/// `view` and one more message, which is kept nowhere.
fn with(view: View, body: Body) -> Result<View, Failure> {
    let ids = branchwork::RandomIds::default();
    let mut step = StepWriter::after(view, None, &ids, Timestamp::default());
    step.message(Draft::new(body)).map_err(branchwork::Error::from)?;
    Ok(step.finish(Extent::Whole).1)
}
