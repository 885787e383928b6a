//! `branchwork usage`: tokens, calls and cost.

use branchwork::{
    core::provider::shown_usd,
    usage::{Totals, UsageBy, UsageRow},
};
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
        let rows: Vec<_> = rows.iter().map(row_value).collect();
        return Ok(output::json(&json!({ "rows": rows }))?);
    }
    for row in rows {
        output::line(&totals_line(&row.key, &row.totals))?;
    }
    Ok(())
}

/// What was used by `key`, on one line.
pub(super) fn totals_line(key: &str, totals: &Totals) -> String {
    let Totals { calls, failed, input_tokens, output_tokens, cached_tokens, .. } = totals;
    let cost = match (totals.cost_usd, totals.unknown_cost) {
        (None, _) => "cost unknown".to_owned(),
        (Some(usd), 0) => shown_usd(usd),
        (Some(usd), unknown) => format!("{} and {unknown} calls of unknown cost", shown_usd(usd)),
    };
    let key = output::one_line(key);
    format!(
        "{key}  {calls} calls, {failed} failed  {input_tokens} in ({cached_tokens} cached), \
         {output_tokens} out  {cost}"
    )
}

fn row_value(row: &UsageRow) -> Value {
    let mut value = totals_value(&row.totals);
    output::set(&mut value, "key", row.key.clone());
    value
}

/// What was used, for programs.
pub(super) fn totals_value(totals: &Totals) -> Value {
    json!({
        "calls": totals.calls,
        "succeeded": totals.succeeded,
        "failed": totals.failed,
        "interrupted": totals.interrupted,
        "retries": totals.retries,
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "cached_tokens": totals.cached_tokens,
        "cache_write_tokens": totals.cache_write_tokens,
        "reasoning_tokens": totals.reasoning_tokens,
        "unknown_tokens": totals.unknown_tokens,
        "cost_usd": totals.cost_usd,
        "unknown_cost": totals.unknown_cost,
    })
}
