//! What is held of budgets while a call goes on.

use branchwork_core::{config::Config, provider::Tariff};

use super::{Amount, BudgetScope, accounts::Held};
use crate::{
    branch::Branch,
    engine::Engine,
    error::{Error, Result},
};

/// Tokens that are reserved for an answer whose length is not limited.
const OUTPUT_RESERVED: u64 = 4_096;

/// What is held of budgets for a call. Dropped, it is given back.
#[derive(Debug)]
pub(crate) struct Reservation {
    engine: Engine,
    held: Vec<Held>,
    amount: Amount,
    input_tokens: u64,
    tariff: Option<Tariff>,
}

impl Reservation {
    /// How many tokens the request was thought to have.
    pub(crate) const fn input_tokens(&self) -> u64 {
        self.input_tokens
    }

    /// What is held.
    pub(crate) const fn amount(&self) -> Amount {
        self.amount
    }

    /// What the model costs that was asked, when that is known.
    pub(crate) const fn tariff(&self) -> Option<&Tariff> {
        self.tariff.as_ref()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.engine.accounts().give_back(&self.held, self.amount);
    }
}

impl Branch {
    /// Reserves of `scopes` the most that a request with so many tokens for so many answers may use; `None`
    /// when there are none.
    ///
    /// # Errors
    ///
    /// [`Error::OverBudget`].
    pub(crate) fn reserve(
        &self,
        scopes: &[BudgetScope],
        (input_tokens, choices): (u64, u32),
        config: &Config,
    ) -> Result<Option<Reservation>> {
        if scopes.is_empty() {
            return Ok(None);
        }
        let engine = self.engine().clone();
        let tariff = self.tariff_of(config);
        let output = config.max_tokens.map_or(OUTPUT_RESERVED, u64::from);
        let output = output.saturating_mul(choices.into());
        let amount = Amount::most(input_tokens, output, tariff.as_ref());
        let reserved = engine.accounts().reserve(scopes, amount);
        let held = reserved.map_err(|(scope, is_parked, problem)| Error::OverBudget {
            scope,
            problem,
            is_parked,
        })?;
        Ok(Some(Reservation { engine, held, amount, input_tokens, tariff }))
    }

    /// What answers of the model of `config` cost now, when that is known.
    pub(crate) fn tariff_of(&self, config: &Config) -> Option<Tariff> {
        let (prices, now) = (self.engine().prices(), self.engine().now());
        let (provider, model) = (config.provider.as_deref(), config.model.as_deref());
        let (provider, model) = (provider.unwrap_or_default(), model.unwrap_or_default());
        prices.tariff(provider, model, None, now).cloned()
    }
}
