//! What calls of models may use together, as options and the configuration file say.

use branchwork::{Branch, Session, budget::Budget};

use crate::{
    args::{BudgetArgs, Over, Scope},
    exit::Failure,
    world::World,
};

/// Where a command asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// On the branch itself.
    Here,
    /// On forks of it.
    OnForks,
    /// On a fork that is deleted then: no turn can wait there.
    Aside,
}

/// What is limited, and for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    budget: Budget,
    scope: Scope,
}

/// The limit that `said`, else the configuration file, asks for.
///
/// # Errors
///
/// A failure when options of a budget are given and there is none.
pub(crate) fn limit(world: &World, said: &BudgetArgs) -> Result<Option<Limit>, Failure> {
    let all = said.or(&world.config.budget);
    if !all.limits() {
        return match all {
            BudgetArgs { scope: None, over: None, .. } => Ok(None),
            _ => Err(Failure::usage(
                "`--budget-scope` and `--budget-over` are of a budget, and there is none",
            )
            .with_hint(
                "give --budget-tokens or --budget-usd, or set `budget.tokens` or `budget.usd`",
            )),
        };
    }
    let BudgetArgs { micro_usd, tokens, scope, over } = all;
    let mut budget = Budget::new();
    (budget.tokens, budget.micro_usd) = (tokens, micro_usd);
    budget.parks = over.unwrap_or_default() == Over::Park;
    Ok(Some(Limit { budget, scope: scope.unwrap_or_default() }))
}

/// Limits what calls may use that are made on `branch` from now on. What was used before counts.
pub(crate) async fn set(
    limit: Option<Limit>,
    (session, branch): (&Session, &Branch),
    asks: Asks,
) -> Result<(), Failure> {
    let Some(Limit { mut budget, scope }) = limit else { return Ok(()) };
    budget.parks &= asks != Asks::Aside;
    match (scope, asks) {
        (Scope::Session, _) => session.set_budget(budget).await?,
        (Scope::Branch, Asks::Here) => branch.set_budget(budget).await?,
        (Scope::Branch | Scope::Tree, _) => branch.set_tree_budget(budget).await?,
    }
    Ok(())
}
