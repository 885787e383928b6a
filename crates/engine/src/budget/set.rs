//! Setting budgets, and looking at them.

use std::collections::{BTreeMap, BTreeSet};

use branchwork_core::{call::CallRecord, id::BranchId, provider::pico_usd, store::BranchRecord};

use super::{Amount, Budget, BudgetScope, BudgetState};
use crate::{branch::Branch, error::Result, session::Session};

impl Session {
    /// Lets all calls in this session use no more than `budget`, what was used before included. It takes
    /// the place of an earlier one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store): nothing is set.
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
        self.set_budget_of(BudgetScope::Session(self.id()), budget).await
    }

    async fn set_budget_of(&self, scope: BudgetScope, budget: Budget) -> Result<()> {
        let engine = self.engine();
        // No call goes into the log meanwhile.
        let reading = engine.settling().write().await;
        let parents = match scope {
            BudgetScope::Tree(_) => parents(self.branches().await?),
            BudgetScope::Session(_) | BudgetScope::Branch(_) => BTreeMap::new(),
        };
        let counts = |branch| match scope {
            BudgetScope::Session(_) => true,
            BudgetScope::Branch(only) => branch == only,
            BudgetScope::Tree(root) => is_below(&parents, root, branch),
        };
        let spent = spent(&self.calls().await?, counts);
        engine.accounts().set((self.id(), scope), budget, spent);
        drop(reading);
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
    /// [`Error::Store`](crate::Error::Store): nothing is set.
    pub async fn set_budget(&self, budget: Budget) -> Result<()> {
        self.of_session().await?.set_budget_of(BudgetScope::Branch(self.id()), budget).await
    }

    /// Lets the calls of this branch and of all that were or will be forked from it or from its forks use no
    /// more than `budget` together.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store): nothing is set.
    pub async fn set_tree_budget(&self, budget: Budget) -> Result<()> {
        self.of_session().await?.set_budget_of(BudgetScope::Tree(self.id()), budget).await
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

    async fn of_session(&self) -> Result<Session> {
        let record = self.engine().store().session(self.session_id()).await?;
        Ok(Session::new(self.engine().clone(), &record))
    }
}

/// Which branch each was forked from.
fn parents(branches: Vec<BranchRecord>) -> BTreeMap<BranchId, BranchId> {
    let parent = |branch: BranchRecord| branch.forked_from.map(|parent| (branch.id, parent));
    branches.into_iter().filter_map(parent).collect()
}

/// Whether `branch` is `root` or comes from it, as far as those between are there.
fn is_below(parents: &BTreeMap<BranchId, BranchId>, root: BranchId, branch: BranchId) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = Some(branch);
    while let Some(branch) = next.filter(|branch| seen.insert(*branch)) {
        if branch == root {
            return true;
        }
        next = parents.get(&branch).copied();
    }
    false
}

/// What was used by calls of the branches that `counts` says.
fn spent(calls: &[CallRecord], counts: impl Fn(BranchId) -> bool) -> Amount {
    let mut spent = Amount { tokens: 0, pico_usd: Some(0) };
    for record in calls.iter().filter(|record| counts(record.branch)) {
        let tokens = record.call.usage.and_then(|usage| Amount::tokens_of(&usage));
        spent.tokens = spent.tokens.saturating_add(tokens.unwrap_or_default());
        let pico = record.call.cost_usd.map_or(0, pico_usd);
        spent.pico_usd = spent.pico_usd.map(|sum| sum.saturating_add(pico));
    }
    spent
}
