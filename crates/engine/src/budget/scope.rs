//! Whose calls a budget is for.

use std::collections::BTreeSet;

use branchwork_core::{
    id::{BranchId, SessionId},
    store::StoreError,
};

use super::Amount;
use crate::{branch::Branch, error::Result};

/// Whose calls a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BudgetScope {
    /// All of a session.
    Session(SessionId),
    /// Those of one branch.
    Branch(BranchId),
    /// Those of a branch and of all that were forked from it or from its forks.
    Tree(BranchId),
}

impl Branch {
    /// The budgets that a call on this branch is under. Reads the branches above it, when one of them has a
    /// budget for its tree.
    pub(crate) async fn budgets(&self) -> Result<Vec<BudgetScope>> {
        let scopes = self.engine().accounts().scopes_in(self.session_id());
        let mut trees: BTreeSet<BranchId> = scopes.iter().filter_map(root_of).collect();
        let mut above = BTreeSet::new();
        let mut next = Some(self.id());
        while let Some(branch) = next.filter(|branch| above.insert(*branch)) {
            trees.remove(&branch);
            next = if trees.is_empty() { None } else { self.parent_of(branch).await? };
        }
        let applies = |scope: &BudgetScope| match scope {
            BudgetScope::Session(_) => true,
            BudgetScope::Branch(branch) => *branch == self.id(),
            BudgetScope::Tree(branch) => above.contains(branch),
        };
        Ok(scopes.into_iter().filter(applies).collect())
    }

    /// Tells all budgets that a call on this branch is under now what it used; `known` are those that it was
    /// under, should the store not answer.
    pub(crate) async fn spend(&self, known: &[BudgetScope], spent: Amount) {
        let scopes = self.budgets().await.unwrap_or_else(|_| known.to_vec());
        self.engine().accounts().spend(&scopes, spent);
    }

    /// Which branch `branch` was forked from, as far as both are there.
    async fn parent_of(&self, branch: BranchId) -> Result<Option<BranchId>> {
        match self.engine().store().branch(branch).await {
            Ok(record) => Ok(record.forked_from),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

const fn root_of(scope: &BudgetScope) -> Option<BranchId> {
    match scope {
        BudgetScope::Tree(branch) => Some(*branch),
        _ => None,
    }
}
