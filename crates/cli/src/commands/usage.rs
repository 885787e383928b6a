//! `branchwork usage`: tokens, calls and cost.

use branchwork::usage::{Totals, UsageBy};
use serde_json::{Value, json};

use crate::{args::UsageKey, exit::Failure, output, world::World};

pub(super) async fn run(world: &World, by: UsageKey) -> Result<(), Failure> {
    let by = match by {
        UsageKey::Session => UsageBy::Session,
        UsageKey::Branch => UsageBy::Branch,
        UsageKey::Model => UsageBy::Model,
        UsageKey::Day => UsageBy::Day,
    };
    let rows = world.existing_engine()?.usage(by).await?;
    if world.global.json {
        let rows: Vec<_> = rows.iter().map(|row| value(&row.key, &row.totals)).collect();
        return Ok(output::json(&json!({ "rows": rows }))?);
    }
    for row in rows {
        let Totals { calls, failed, input_tokens, output_tokens, cached_tokens, .. } = row.totals;
        let cost =
            row.totals.cost_usd.map_or("cost unknown".to_owned(), |usd| format!("${usd:.4}"));
        output::line(&format!(
            "{}  {calls} calls, {failed} failed  {input_tokens} in ({cached_tokens} cached), \
             {output_tokens} out  {cost}",
            output::one_line(&row.key)
        ))?;
    }
    Ok(())
}

fn value(key: &str, totals: &Totals) -> Value {
    json!({
        "key": key,
        "calls": totals.calls,
        "succeeded": totals.succeeded,
        "failed": totals.failed,
        "interrupted": totals.interrupted,
        "retries": totals.retries,
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "cached_tokens": totals.cached_tokens,
        "reasoning_tokens": totals.reasoning_tokens,
        "unknown_tokens": totals.unknown_tokens,
        "cost_usd": totals.cost_usd,
        "unknown_cost": totals.unknown_cost,
    })
}
