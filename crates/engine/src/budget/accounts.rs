//! The accounts of an engine: one for each budget.

use std::collections::BTreeMap;

use branchwork_core::provider::{Tariff, Usage};

use super::{Budget, BudgetScope, BudgetState, OverBudget};

/// Trillionths of a dollar in a millionth.
const PICO_PER_MICRO: u64 = 1_000_000;

/// What a call uses: tokens, and trillionths of a US dollar when its price is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amount {
    pub(crate) tokens: u64,
    pub(crate) pico_usd: Option<u64>,
}

impl Amount {
    /// So many tokens read and written, at those prices.
    pub(crate) fn of(input: u64, output: u64, tariff: Option<&Tariff>) -> Self {
        let usage =
            Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() };
        let pico_usd = tariff.and_then(|tariff| tariff.pico_usd(&usage));
        Self { tokens: input.saturating_add(output), pico_usd }
    }

    /// What the provider counted; `None` when it counted nothing.
    pub(crate) fn counted(usage: &Usage, tariff: Option<&Tariff>) -> Option<Self> {
        let (input, output) = (usage.input_tokens, usage.output_tokens);
        input.or(output)?;
        let tokens = input.unwrap_or_default().saturating_add(output.unwrap_or_default());
        Some(Self { tokens, pico_usd: tariff.and_then(|tariff| tariff.pico_usd(usage)) })
    }
}

/// Every budget of an engine, with what is used of it.
#[derive(Debug, Default)]
pub(crate) struct Accounts(BTreeMap<BudgetScope, BudgetState>);

impl Accounts {
    /// Sets a budget of which `spent` is used; what is reserved stays.
    pub(super) fn set(&mut self, scope: BudgetScope, budget: Budget, spent: Amount) {
        let (tokens, pico_usd) = (spent.tokens, spent.pico_usd.unwrap_or_default());
        let new =
            BudgetState { budget, tokens, pico_usd, tokens_reserved: 0, pico_usd_reserved: 0 };
        let kept = self.0.get(&scope).copied().unwrap_or(new);
        let BudgetState { tokens_reserved, pico_usd_reserved, .. } = kept;
        self.0.insert(scope, BudgetState { tokens_reserved, pico_usd_reserved, ..new });
    }

    /// Takes a budget away.
    pub(super) fn clear(&mut self, scope: BudgetScope) -> Option<BudgetState> {
        self.0.remove(&scope)
    }

    pub(super) fn get(&self, scope: BudgetScope) -> Option<BudgetState> {
        self.0.get(&scope).copied()
    }

    /// What there are budgets of.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = BudgetScope> {
        self.0.keys().copied()
    }

    /// Reserves `amount` of all of `scopes`, or of none.
    ///
    /// # Errors
    ///
    /// The first budget that does not allow it, whether it lets turns wait, and why.
    pub(super) fn reserve(
        &mut self,
        scopes: &[BudgetScope],
        amount: Amount,
    ) -> Result<(), (BudgetScope, bool, OverBudget)> {
        for scope in scopes {
            let Some(state) = self.0.get(scope) else { continue };
            allow(state, amount).map_err(|over| (*scope, state.budget.parks, over))?;
        }
        self.change(scopes, |state| {
            state.tokens_reserved = state.tokens_reserved.saturating_add(amount.tokens);
            let pico = amount.pico_usd.unwrap_or_default();
            state.pico_usd_reserved = state.pico_usd_reserved.saturating_add(pico);
        });
        Ok(())
    }

    /// Takes a reservation back, and notes what was `spent` instead.
    pub(super) fn settle(&mut self, scopes: &[BudgetScope], reserved: Amount, spent: Amount) {
        self.change(scopes, |state| {
            let pico = reserved.pico_usd.unwrap_or_default();
            state.tokens_reserved = state.tokens_reserved.saturating_sub(reserved.tokens);
            state.pico_usd_reserved = state.pico_usd_reserved.saturating_sub(pico);
            state.tokens = state.tokens.saturating_add(spent.tokens);
            state.pico_usd = state.pico_usd.saturating_add(spent.pico_usd.unwrap_or_default());
        });
    }

    fn change(&mut self, scopes: &[BudgetScope], change: impl Fn(&mut BudgetState)) {
        for scope in scopes {
            if let Some(state) = self.0.get_mut(scope) {
                change(state);
            }
        }
    }
}

/// Whether `state` allows a call that uses `amount`.
fn allow(state: &BudgetState, amount: Amount) -> Result<(), OverBudget> {
    if let Some(max) = state.budget.tokens {
        let used = state.tokens.saturating_add(state.tokens_reserved);
        let (wanted, left) = (amount.tokens, max.saturating_sub(used));
        if wanted > left {
            return Err(OverBudget::Tokens { wanted, left, max });
        }
    }
    if let Some(max) = state.budget.micro_usd {
        let wanted = amount.pico_usd.ok_or(OverBudget::PriceUnknown)?.div_ceil(PICO_PER_MICRO);
        let used = state.pico_usd.saturating_add(state.pico_usd_reserved).div_ceil(PICO_PER_MICRO);
        let left = max.saturating_sub(used);
        if wanted > left {
            return Err(OverBudget::Cost { wanted, left, max });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use branchwork_core::{id::BranchId, provider::Prices};

    use super::*;

    #[test]
    fn what_is_reserved_is_not_given_twice_and_what_is_settled_counts() {
        let (branch, tree) = (BranchId::from_bits(1), BranchId::from_bits(2));
        let scopes = [BudgetScope::Branch(branch), BudgetScope::Tree(tree)];
        let mut accounts = Accounts::default();
        accounts.set(scopes[0], Budget::new().with_tokens(100), Amount::default());
        let spent = Amount { tokens: 40, pico_usd: None };
        accounts.set(scopes[1], Budget::new().with_tokens(100).parking(), spent);
        let amount = |tokens| Amount { tokens, pico_usd: None };
        assert_eq!(accounts.reserve(&scopes, amount(50)), Ok(()));
        // The tree has 10 left, the branch 50: neither is touched by a call that one refuses.
        let over = OverBudget::Tokens { wanted: 20, left: 10, max: 100 };
        assert_eq!(accounts.reserve(&scopes, amount(20)), Err((scopes[1], true, over)));
        assert_eq!(accounts.get(scopes[0]).map(|state| state.tokens_reserved), Some(50));
        accounts.settle(&scopes, amount(50), amount(5));
        let state = accounts.get(scopes[1]).expect("it is set");
        assert_eq!((state.tokens, state.tokens_reserved), (45, 0));
        assert_eq!(accounts.reserve(&scopes, amount(55)), Ok(()));
        // A larger one keeps what is reserved of it.
        accounts.set(scopes[1], Budget::new().with_tokens(200), amount(45));
        assert_eq!(accounts.get(scopes[1]).map(|state| state.tokens_reserved), Some(55));
    }

    #[test]
    fn a_cost_that_is_limited_and_not_known_is_refused() {
        let scope = BudgetScope::Branch(BranchId::from_bits(1));
        let mut accounts = Accounts::default();
        accounts.set(scope, Budget::new().with_cost(10), Amount::default());
        // A dollar for a million tokens: a millionth for each.
        let tariff = Tariff::new(Prices::new(1_000_000, 1_000_000));
        assert_eq!(accounts.reserve(&[scope], Amount::of(4, 4, Some(&tariff))), Ok(()));
        let over = OverBudget::Cost { wanted: 3, left: 2, max: 10 };
        let refused = accounts.reserve(&[scope], Amount::of(1, 2, Some(&tariff)));
        assert_eq!(refused, Err((scope, false, over)));
        let unknown = accounts.reserve(&[scope], Amount::of(1, 1, None));
        assert_eq!(unknown, Err((scope, false, OverBudget::PriceUnknown)));
    }
}
