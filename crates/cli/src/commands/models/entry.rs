//! A model of a list, with what is known of it.

use branchwork::{
    SystemClock,
    core::{
        clock::Clock as _,
        provider::{ModelInfo, PriceBook, Tariff},
    },
    providers::models::{Ability, Model, find},
};
use serde_json::{Map, Value, json};

use crate::output;

/// What a provider and the table say of a model.
pub(super) struct Entry<'a> {
    provider: &'a str,
    id: &'a str,
    owner: Option<&'a str>,
    context_tokens: Option<u32>,
    known: Option<&'static Model>,
    /// What it costs now.
    tariff: Option<Tariff>,
}

impl<'a> Entry<'a> {
    /// A model that a provider serves. What the provider says counts before what the table does.
    pub(super) fn served(prices: &PriceBook, provider: &'a str, model: &'a ModelInfo) -> Self {
        let ModelInfo { id, owner, context_tokens } = model;
        let (owner, known) = (owner.as_deref(), find(provider, id));
        let context_tokens = context_tokens.or_else(|| known?.context_tokens);
        let tariff = tariff(prices, provider, id);
        Self { provider, id, owner, context_tokens, known, tariff }
    }

    /// A model of the table.
    pub(super) fn known(prices: &PriceBook, model: &'static Model) -> Self {
        let Model { provider, name, context_tokens, .. } = *model;
        let tariff = tariff(prices, provider, name);
        Self { provider, id: name, owner: None, context_tokens, known: Some(model), tariff }
    }

    /// For people: what is not known is left out.
    pub(super) fn line(&self) -> String {
        let tokens = [
            self.context_tokens.map(|tokens| format!("context {tokens}")),
            self.output_tokens().map(|tokens| format!("output {tokens}")),
        ];
        let tokens: Vec<_> = tokens.into_iter().flatten().collect();
        let prices = self.tariff.as_ref().map(output::tariff_line).unwrap_or_default();
        let can = |ability: &Ability| self.can(*ability) == Some(true);
        let abilities: Vec<_> = Ability::ALL.into_iter().filter(can).map(Ability::as_str).collect();
        let name = output::one_line(&format!("{}:{}", self.provider, self.id));
        let parts = [name, tokens.join(", "), prices, abilities.join(" ")];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    }

    /// For programs: what is not known is `null`.
    pub(super) fn value(&self) -> Value {
        let abilities: Map<String, Value> = Ability::ALL
            .into_iter()
            .map(|ability| (ability.to_string(), self.can(ability).into()))
            .collect();
        json!({
            "id": self.id,
            "provider": self.provider,
            "owner": self.owner,
            "context_tokens": self.context_tokens,
            "output_tokens": self.output_tokens(),
            "abilities": abilities,
            "prices": self.tariff.as_ref().map(output::tariff_value),
        })
    }

    fn output_tokens(&self) -> Option<u32> {
        self.known?.output_tokens
    }

    fn can(&self, ability: Ability) -> Option<bool> {
        self.known?.can(ability)
    }
}

fn tariff(prices: &PriceBook, provider: &str, model: &str) -> Option<Tariff> {
    prices.tariff(provider, model, None, SystemClock.now()).cloned()
}
