//! The accounts of an engine: one for each budget.

use std::collections::BTreeMap;

use branchwork_core::{
    id::SessionId,
    provider::{PICO_PER_MICRO, Tariff, Usage},
};

use super::{Budget, BudgetScope, BudgetState, OverBudget};

/// What a call uses: tokens, and trillionths of a US dollar when its price is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amount {
    pub(crate) tokens: u64,
    pub(crate) pico_usd: Option<u64>,
}

impl Amount {
    /// The most that so many tokens read and written can be, at those prices.
    pub(crate) fn most(input: u64, output: u64, tariff: Option<&Tariff>) -> Self {
        let pico_usd = tariff.map(|tariff| tariff.most_pico_usd(input, output));
        Self { tokens: input.saturating_add(output), pico_usd }
    }

    /// So many tokens read and written, at those prices.
    pub(crate) fn of(input: u64, output: u64, tariff: Option<&Tariff>) -> Self {
        let usage =
            Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() };
        let pico_usd = tariff.and_then(|tariff| tariff.pico_usd(&usage));
        Self { tokens: input.saturating_add(output), pico_usd }
    }

    /// The tokens that the provider counted; `None` when it counted none.
    pub(crate) fn tokens_of(usage: &Usage) -> Option<u64> {
        let (input, output) = (usage.input_tokens, usage.output_tokens);
        input.or(output)?;
        Some(input.unwrap_or_default().saturating_add(output.unwrap_or_default()))
    }
}

/// Every budget of an engine, with what is used of it.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    /// How many were opened.
    opened: u64,
    all: BTreeMap<BudgetScope, Account>,
}

#[derive(Debug)]
struct Account {
    /// Tells it from one that had its place before.
    number: u64,
    session: SessionId,
    state: BudgetState,
}

/// An account that something is held of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    scope: BudgetScope,
    number: u64,
}

impl Accounts {
    /// Sets a budget of something in `session`, of which `spent` is used by what the call log says. What is
    /// reserved stays, and what is known to be used does not become less.
    pub(super) fn set(
        &mut self,
        (session, scope): (SessionId, BudgetScope),
        budget: Budget,
        spent: Amount,
    ) {
        let account = self.all.entry(scope).or_insert_with(|| {
            self.opened += 1;
            Account { number: self.opened, session, state: BudgetState::new(budget) }
        });
        let state = &mut account.state;
        state.budget = budget;
        state.tokens = state.tokens.max(spent.tokens);
        state.pico_usd = state.pico_usd.max(spent.pico_usd.unwrap_or_default());
    }

    /// Takes a budget away.
    pub(super) fn clear(&mut self, scope: BudgetScope) -> Option<BudgetState> {
        self.all.remove(&scope).map(|account| account.state)
    }

    pub(super) fn get(&self, scope: BudgetScope) -> Option<BudgetState> {
        self.all.get(&scope).map(|account| account.state)
    }

    /// What there are budgets of in `session`.
    pub(super) fn scopes_in(&self, session: SessionId) -> Vec<BudgetScope> {
        let here = self.all.iter().filter(|(_, account)| account.session == session);
        here.map(|(scope, _)| *scope).collect()
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
    ) -> Result<Vec<Held>, (BudgetScope, bool, OverBudget)> {
        for scope in scopes {
            let Some(Account { state, .. }) = self.all.get(scope) else { continue };
            allow(state, amount).map_err(|over| (*scope, state.budget.parks, over))?;
        }
        let mut held = Vec::with_capacity(scopes.len());
        for scope in scopes {
            let Some(Account { number, state, .. }) = self.all.get_mut(scope) else { continue };
            state.tokens_reserved = state.tokens_reserved.saturating_add(amount.tokens);
            let pico = amount.pico_usd.unwrap_or_default();
            state.pico_usd_reserved = state.pico_usd_reserved.saturating_add(pico);
            held.push(Held { scope: *scope, number: *number });
        }
        Ok(held)
    }

    /// Takes back what is reserved, where it was reserved.
    pub(super) fn give_back(&mut self, held: &[Held], amount: Amount) {
        for Held { scope, number } in held {
            let account = self.all.get_mut(scope).filter(|account| account.number == *number);
            let Some(Account { state, .. }) = account else { continue };
            state.tokens_reserved = state.tokens_reserved.saturating_sub(amount.tokens);
            let pico = amount.pico_usd.unwrap_or_default();
            state.pico_usd_reserved = state.pico_usd_reserved.saturating_sub(pico);
        }
    }

    /// Notes what was used.
    pub(super) fn spend(&mut self, scopes: &[BudgetScope], spent: Amount) {
        for scope in scopes {
            let Some(Account { state, .. }) = self.all.get_mut(scope) else { continue };
            state.tokens = state.tokens.saturating_add(spent.tokens);
            state.pico_usd = state.pico_usd.saturating_add(spent.pico_usd.unwrap_or_default());
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

    const SESSION: SessionId = SessionId::from_bits(1);

    const fn amount(tokens: u64) -> Amount {
        Amount { tokens, pico_usd: None }
    }

    #[test]
    fn what_is_reserved_is_not_given_twice_and_what_is_settled_counts() {
        let (branch, tree) = (BranchId::from_bits(1), BranchId::from_bits(2));
        let scopes = [BudgetScope::Branch(branch), BudgetScope::Tree(tree)];
        let budget = Budget::new().with_tokens(100);
        let mut accounts = Accounts::default();
        accounts.set((SESSION, scopes[0]), budget, amount(0));
        accounts.set((SESSION, scopes[1]), budget.parking(), amount(40));
        let held = accounts.reserve(&scopes, amount(50)).expect("there is enough");
        // The tree has 10 left, the branch 50: neither is touched by a call that one refuses.
        let over = OverBudget::Tokens { wanted: 20, left: 10, max: 100 };
        assert_eq!(accounts.reserve(&scopes, amount(20)), Err((scopes[1], true, over)));
        assert_eq!(accounts.get(scopes[0]).map(|state| state.tokens_reserved), Some(50));
        accounts.give_back(&held, amount(50));
        accounts.spend(&scopes, amount(5));
        let state = accounts.get(scopes[1]).expect("it is set");
        assert_eq!((state.tokens, state.tokens_reserved), (45, 0));
        accounts.reserve(&scopes, amount(55)).expect("there is just enough");
        // A larger one keeps what is reserved of it, and what is known beyond the log.
        accounts.set((SESSION, scopes[1]), Budget::new().with_tokens(200), amount(41));
        let state = accounts.get(scopes[1]).expect("it is set");
        assert_eq!((state.tokens, state.tokens_reserved), (45, 55));
        assert_eq!(accounts.scopes_in(SESSION), scopes);
        assert_eq!(accounts.scopes_in(SessionId::from_bits(2)), []);
    }

    #[test]
    fn what_was_reserved_of_a_budget_that_is_gone_is_not_taken_from_the_next() {
        let scope = BudgetScope::Session(SESSION);
        let budget = Budget::new().with_tokens(100);
        let mut accounts = Accounts::default();
        accounts.set((SESSION, scope), budget, amount(0));
        let old = accounts.reserve(&[scope], amount(60)).expect("there is enough");
        accounts.clear(scope);
        accounts.set((SESSION, scope), budget, amount(0));
        accounts.reserve(&[scope], amount(70)).expect("there is enough");
        accounts.give_back(&old, amount(60));
        assert_eq!(accounts.get(scope).map(|state| state.tokens_reserved), Some(70));
    }

    #[test]
    fn a_cost_that_is_limited_and_not_known_is_refused() {
        let scope = BudgetScope::Branch(BranchId::from_bits(1));
        let mut accounts = Accounts::default();
        accounts.set((SESSION, scope), Budget::new().with_cost(10), Amount::default());
        // A dollar for a million tokens: a millionth for each; what is kept in the cache costs twice that.
        let prices = Prices::new(1_000_000, 1_000_000);
        let tariff = Tariff::new(prices.with_cache_write(2_000_000));
        assert!(accounts.reserve(&[scope], Amount::most(2, 4, Some(&tariff))).is_ok());
        let over = OverBudget::Cost { wanted: 3, left: 2, max: 10 };
        let refused = accounts.reserve(&[scope], Amount::of(1, 2, Some(&tariff)));
        assert_eq!(refused, Err((scope, false, over)));
        let unknown = accounts.reserve(&[scope], Amount::of(1, 1, None));
        assert_eq!(unknown, Err((scope, false, OverBudget::PriceUnknown)));
    }
}
