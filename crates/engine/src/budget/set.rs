//! Setting budgets, and reserving of them.

use std::collections::{BTreeMap, BTreeSet};

use branchwork_core::{call::CallRecord, config::Config, id::BranchId, provider::Tariff};

use super::{Amount, Budget, BudgetScope, BudgetState, Reservation};
use crate::{
    branch::Branch,
    error::{Error, Result},
    session::Session,
};

/// Tokens that are reserved for an answer whose length is not limited.
const OUTPUT_RESERVED: u64 = 4_096;

/// Trillionths of a dollar in a dollar.
const PICO: f64 = 1e12;

impl Session {
    /// Lets all calls in this session use no more than `budget`, what was used before included. It takes
    /// the place of an earlier one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: nothing is set.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// # use std::sync::Arc;
    /// # use branchwork_testkit::{Script, ScriptedProvider};
    /// use branchwork::{Engine, Error, budget::Budget};
    ///
    /// # let provider = Arc::new(ScriptedProvider::answering(|_| Script::text("Rome.")));
    /// # let session = Engine::in_memory().session("trip").provider("local", provider).model("tiny");
    /// # let session = session.create().await?;
    /// session.set_budget(Budget::new().with_tokens(50)).await?;
    /// let refused = session.default_branch().chat("Where?").await.unwrap_err();
    /// assert!(matches!(refused, Error::OverBudget { .. }), "an answer may have 4 096 tokens");
    /// # Ok(()) }
    /// ```
    pub async fn set_budget(&self, budget: Budget) -> Result<()> {
        let spent = spent(&self.calls().await?, |_| true);
        self.engine().accounts().set(BudgetScope::Session(self.id()), budget, spent);
        Ok(())
    }

    /// The budget of this session, and what is used of it.
    pub fn budget(&self) -> Option<BudgetState> {
        self.engine().accounts().get(BudgetScope::Session(self.id()))
    }

    /// Takes the budget of this session away, and answers what was used of it.
    pub fn clear_budget(&self) -> Option<BudgetState> {
        self.engine().accounts().clear(BudgetScope::Session(self.id()))
    }
}

impl Branch {
    /// Lets the calls of this branch use no more than `budget`, what it used before included. Forks have none
    /// of their own; see [`set_tree_budget`](Self::set_tree_budget).
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: nothing is set.
    pub async fn set_budget(&self, budget: Budget) -> Result<()> {
        let spent = spent(&self.calls_of_session().await?, |branch| branch == self.id());
        self.engine().accounts().set(BudgetScope::Branch(self.id()), budget, spent);
        Ok(())
    }

    /// Lets the calls of this branch and of all that were or will be forked from it or from its forks use no
    /// more than `budget` together.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: nothing is set.
    pub async fn set_tree_budget(&self, budget: Budget) -> Result<()> {
        let parents = self.parents().await?;
        let in_tree = |branch: BranchId| ancestors(&parents, branch).contains(&self.id());
        let spent = spent(&self.calls_of_session().await?, in_tree);
        self.engine().accounts().set(BudgetScope::Tree(self.id()), budget, spent);
        Ok(())
    }

    /// The budget of this branch, and what is used of it.
    pub fn budget(&self) -> Option<BudgetState> {
        self.engine().accounts().get(BudgetScope::Branch(self.id()))
    }

    /// The budget of this branch and its forks, and what is used of it.
    pub fn tree_budget(&self) -> Option<BudgetState> {
        self.engine().accounts().get(BudgetScope::Tree(self.id()))
    }

    /// Takes the budget of this branch away, and answers what was used of it.
    pub fn clear_budget(&self) -> Option<BudgetState> {
        self.engine().accounts().clear(BudgetScope::Branch(self.id()))
    }

    /// Takes the budget of this branch and its forks away, and answers what was used of it.
    pub fn clear_tree_budget(&self) -> Option<BudgetState> {
        self.engine().accounts().clear(BudgetScope::Tree(self.id()))
    }

    /// The budgets that a call on this branch is under.
    pub(crate) async fn budgets(&self) -> Result<Vec<BudgetScope>> {
        let scopes: Vec<_> = self.engine().accounts().scopes().collect();
        if scopes.is_empty() {
            return Ok(scopes);
        }
        let above = if scopes.iter().any(|scope| matches!(scope, BudgetScope::Tree(_))) {
            ancestors(&self.parents().await?, self.id())
        } else {
            BTreeSet::new()
        };
        let applies = |scope: &BudgetScope| match scope {
            BudgetScope::Session(session) => *session == self.session_id(),
            BudgetScope::Branch(branch) => *branch == self.id(),
            BudgetScope::Tree(branch) => above.contains(branch),
        };
        Ok(scopes.into_iter().filter(applies).collect())
    }

    /// Reserves of `scopes` what a request with so many tokens may use; `None` when there are none.
    ///
    /// # Errors
    ///
    /// [`Error::OverBudget`].
    pub(crate) fn reserve(
        &self,
        scopes: &[BudgetScope],
        input_tokens: u64,
        config: &Config,
    ) -> Result<Option<Reservation>> {
        if scopes.is_empty() {
            return Ok(None);
        }
        let engine = self.engine().clone();
        let tariff = self.tariff_of(config);
        let output = config.max_tokens.map_or(OUTPUT_RESERVED, u64::from);
        let amount = Amount::of(input_tokens, output, tariff.as_ref());
        let reserved = engine.accounts().reserve(scopes, amount);
        reserved.map_err(|(scope, is_parked, problem)| Error::OverBudget {
            scope,
            problem,
            is_parked,
        })?;
        Ok(Some(Reservation::new(engine, scopes.to_vec(), (amount, input_tokens), tariff)))
    }

    /// What answers of the model of `config` cost now, when that is known.
    pub(crate) fn tariff_of(&self, config: &Config) -> Option<Tariff> {
        let (prices, now) = (self.engine().prices(), self.engine().now());
        let (provider, model) = (config.provider.as_deref(), config.model.as_deref());
        let (provider, model) = (provider.unwrap_or_default(), model.unwrap_or_default());
        prices.tariff(provider, model, None, now).cloned()
    }

    async fn calls_of_session(&self) -> Result<Vec<CallRecord>> {
        let record = self.engine().store().session(self.session_id()).await?;
        Session::new(self.engine().clone(), &record).calls().await
    }

    /// Which branch each of the session was forked from.
    async fn parents(&self) -> Result<BTreeMap<BranchId, BranchId>> {
        let branches = self.engine().store().branches(self.session_id()).await?;
        let parent = |branch: &branchwork_core::store::BranchRecord| {
            branch.forked_from.map(|parent| (branch.id, parent))
        };
        Ok(branches.iter().filter_map(parent).collect())
    }
}

/// The branch and those it comes from, as far as they are there.
fn ancestors(parents: &BTreeMap<BranchId, BranchId>, branch: BranchId) -> BTreeSet<BranchId> {
    let mut above = BTreeSet::new();
    let mut next = Some(branch);
    while let Some(branch) = next.filter(|branch| above.insert(*branch)) {
        next = parents.get(&branch).copied();
    }
    above
}

/// What was used by calls of the branches that `counts` says.
fn spent(calls: &[CallRecord], counts: impl Fn(BranchId) -> bool) -> Amount {
    let mut spent = Amount { tokens: 0, pico_usd: Some(0) };
    for record in calls.iter().filter(|record| counts(record.branch)) {
        let counted = record.call.usage.and_then(|usage| Amount::counted(&usage, None));
        spent.tokens += counted.unwrap_or_default().tokens;
        let pico = record.call.cost_usd.map_or(0, pico_usd);
        spent.pico_usd = spent.pico_usd.map(|sum| sum.saturating_add(pico));
    }
    spent
}

/// Trillionths of a dollar, as whole as they were counted.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cost is never below 0, and saturates far above any"
)]
fn pico_usd(usd: f64) -> u64 {
    (usd * PICO).round() as u64
}
