//! What is held of budgets while a call goes on.

use branchwork_core::provider::Tariff;

use super::{Amount, BudgetScope};
use crate::engine::Engine;

/// What is held of budgets for a call. Dropped without being settled, it is given back.
#[derive(Debug)]
pub(crate) struct Reservation {
    engine: Engine,
    scopes: Vec<BudgetScope>,
    amount: Amount,
    input_tokens: u64,
    tariff: Option<Tariff>,
}

impl Reservation {
    /// `amount` of `scopes` is reserved for a request of `input_tokens`.
    pub(super) const fn new(
        engine: Engine,
        scopes: Vec<BudgetScope>,
        (amount, input_tokens): (Amount, u64),
        tariff: Option<Tariff>,
    ) -> Self {
        Self { engine, scopes, amount, input_tokens, tariff }
    }

    /// How many tokens the request was thought to have.
    pub(crate) const fn input_tokens(&self) -> u64 {
        self.input_tokens
    }

    /// What the model costs, when that is known.
    pub(crate) const fn tariff(&self) -> Option<&Tariff> {
        self.tariff.as_ref()
    }

    /// The call ended, and used that.
    pub(crate) fn settle(mut self, spent: Amount) {
        self.give_back(spent);
    }

    fn give_back(&mut self, spent: Amount) {
        let scopes = std::mem::take(&mut self.scopes);
        self.engine.accounts().settle(&scopes, self.amount, spent);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.give_back(Amount::default());
    }
}
