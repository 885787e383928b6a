//! `branchwork info`: what a branch says of itself.

use branchwork::Overview;
use serde_json::{Map, Value, json};

use super::usage::{totals_line, totals_value};
use crate::{exit::Failure, output, place, world::World};

pub(super) async fn run(world: &World, text: Option<&str>) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, text).await?;
    let Overview { record, is_default, description, usage, .. } = place.branch.overview(0).await?;
    let counts = &description.counts;
    let by_role: Map<_, _> =
        counts.by_role.iter().map(|(role, count)| (role.to_string(), json!(count))).collect();
    let by_kind: Map<_, _> =
        counts.by_kind.iter().map(|(kind, count)| (kind.to_string(), json!(count))).collect();
    // A process of the command line registers no tools: what is offered are their names.
    let tools = description.config.tools.clone().unwrap_or_default();
    let config = description.config.settings();
    let info = json!({
        "session": place.session.id().to_string(),
        "branch": record.name,
        "default": is_default,
        "messages": counts.total,
        "by_role": by_role,
        "by_kind": by_kind,
        "by_sender": counts.by_sender,
        "tools": tools,
        "config": config,
        "usage": {
            "own": totals_value(&usage.own),
            "inherited": totals_value(&usage.inherited),
        },
    });
    if world.global.json {
        return Ok(output::json(&info)?);
    }
    output::line(&format!("messages: {}", counts.total))?;
    for (role, count) in &counts.by_role {
        output::line(&format!("role {role}: {count}"))?;
    }
    for (sender, count) in &counts.by_sender {
        output::line(&format!("sender {}: {count}", output::one_line(sender)))?;
    }
    output::line(&totals_line("calls", &usage.own))?;
    for (name, value) in &config {
        output::line(&format!("{name} = {}", plain(value)))?;
    }
    Ok(())
}

/// A value of a setting as a person would write it.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), output::one_line)
}
