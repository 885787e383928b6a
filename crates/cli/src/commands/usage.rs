//! `branchwork usage`: tokens, calls and cost.

use branchwork::{
    core::provider::shown_usd,
    usage::{Savings, SavingsRow, Totals, UsageBy, UsageRow},
};
use serde_json::{Value, json};

use crate::{args::UsageKey, exit::Failure, output, world::World};

pub(super) async fn run(world: &World, by: UsageKey, savings: bool) -> Result<(), Failure> {
    let by = match by {
        UsageKey::Session => UsageBy::Session,
        UsageKey::Branch => UsageBy::Branch,
        UsageKey::Model => UsageBy::Model,
        UsageKey::Day => UsageBy::Day,
    };
    if savings {
        return print_savings(world, &world.existing_engine()?.savings(by).await?);
    }
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

fn print_savings(world: &World, rows: &[SavingsRow]) -> Result<(), Failure> {
    if world.global.json {
        let rows: Vec<_> = rows.iter().map(savings_value).collect();
        return Ok(output::json(&json!({ "rows": rows }))?);
    }
    for SavingsRow { key, savings, .. } in rows {
        let Savings { input_tokens, cached_tokens, unknown_prices, .. } = savings;
        let saved = match (savings.saved_usd, unknown_prices) {
            (None, _) => "saved money unknown".to_owned(),
            (Some(usd), 0) => format!("{} saved", shown_usd(usd)),
            (Some(usd), unknown) => {
                format!("{} saved, and {unknown} calls of unknown price", shown_usd(usd))
            }
        };
        let key = output::one_line(key);
        let share =
            cached_tokens.saturating_mul(100).checked_div(*input_tokens).unwrap_or_default();
        output::line(&format!(
            "{key}  {cached_tokens} of {input_tokens} tokens read from caches ({share} %)  {saved}"
        ))?;
    }
    Ok(())
}

fn savings_value(row: &SavingsRow) -> Value {
    let savings = &row.savings;
    json!({
        "key": row.key,
        "calls": savings.calls,
        "input_tokens": savings.input_tokens,
        "cached_tokens": savings.cached_tokens,
        "cache_write_tokens": savings.cache_write_tokens,
        "saved_usd": savings.saved_usd,
        "unknown_prices": savings.unknown_prices,
    })
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
