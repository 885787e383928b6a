//! The limits, abilities and prices of the package `litellm`: one JSON object, by name of the model.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use super::price::{Rates, Tariff, whole};

/// What the table calls an ability, and the field that says whether a model has it.
pub(super) const ABILITIES: [(&str, &str); 8] = [
    ("tools", "supports_function_calling"),
    ("parallel-tools", "supports_parallel_function_calling"),
    ("schema", "supports_response_schema"),
    ("images", "supports_vision"),
    ("pdf", "supports_pdf_input"),
    ("audio", "supports_audio_input"),
    ("reasoning", "supports_reasoning"),
    ("caching", "supports_prompt_caching"),
];

/// The modes of models that one talks with.
const TALKS: [&str; 2] = ["chat", "responses"];

/// The prices of ordinary tokens, for one token, in dollars.
const INPUT: &str = "input_cost_per_token";
const CACHED: &str = "cache_read_input_token_cost";
const CACHE_WRITE: &str = "cache_creation_input_token_cost";
const OUTPUT: &str = "output_cost_per_token";

/// Prices of what is written and is no text: a cost that only counts tokens would be wrong.
const NOT_TEXT: [&str; 5] = [
    "output_cost_per_audio_token",
    "output_cost_per_character",
    "output_cost_per_image",
    "output_cost_per_image_token",
    "output_cost_per_video_token",
];

/// All models.
#[derive(Debug)]
pub(super) struct Litellm {
    models: Map<String, Value>,
}

/// What is known of a model.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) talks: bool,
    /// How many tokens it reads.
    pub(super) input: Option<u64>,
    /// How many it writes.
    pub(super) output: Option<u64>,
    /// What it can and cannot do.
    pub(super) abilities: BTreeMap<usize, bool>,
    /// Whether it writes things that are no text, which cost something else.
    pub(super) is_mixed: bool,
    pub(super) prices: Option<Tariff>,
}

impl Litellm {
    /// Reads the object.
    pub(super) fn read(json: &[u8]) -> Result<Self> {
        Ok(Self { models: serde_json::from_slice(json).context("reading litellm")? })
    }

    /// The models of `provider`, by the names that it calls them.
    pub(super) fn models(&self, provider: &str) -> BTreeMap<String, Entry> {
        let mut entries = BTreeMap::new();
        let of_provider =
            self.models.iter().filter(|(_, model)| model["litellm_provider"] == provider);
        for (name, model) in of_provider {
            let bare = name.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'));
            let entry = Entry::read(model);
            match bare {
                Some(bare) => drop(entries.insert(bare.to_owned(), entry)),
                None => drop(entries.entry(name.clone()).or_insert(entry)),
            }
        }
        entries
    }
}

impl Entry {
    fn read(model: &Value) -> Self {
        let flag =
            |(index, (_, field)): (usize, &(&str, &str))| Some((index, model[*field].as_bool()?));
        Self {
            talks: model["mode"].as_str().is_some_and(|mode| TALKS.contains(&mode)),
            input: model["max_input_tokens"].as_u64(),
            output: model["max_output_tokens"].as_u64(),
            abilities: ABILITIES.iter().enumerate().filter_map(flag).collect(),
            is_mixed: NOT_TEXT.iter().any(|key| model.get(key).is_some()),
            prices: model.as_object().and_then(tariff),
        }
    }
}

/// What a model costs; `None` when that is not said. Nothing is how the source says that it does not know.
fn tariff(fields: &Map<String, Value>) -> Option<Tariff> {
    let base = rates(fields, "")?;
    if (base.input, base.output) == (0, 0) {
        return None;
    }
    let above = fields.keys().filter_map(|key| {
        let ending = key.strip_prefix(INPUT)?;
        let thousands = ending.strip_prefix("_above_")?.strip_suffix("k_tokens")?;
        Some((thousands.parse::<u64>().ok()? * 1_000, rates(fields, ending)?))
    });
    Some(Tariff { base, above: above.collect() })
}

/// The rates of the fields that end like that.
fn rates(fields: &Map<String, Value>, ending: &str) -> Option<Rates> {
    let rate = |name: &str| {
        let price = fields.get(&format!("{name}{ending}"))?.as_f64()?;
        whole(price * 1e12)
    };
    let of_cache = |name| rate(name).filter(|rate| *rate > 0);
    let (cached, cache_write) = (of_cache(CACHED), of_cache(CACHE_WRITE));
    Some(Rates { input: rate(INPUT)?, cached, cache_write, output: rate(OUTPUT)? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn models_are_read_by_the_names_of_their_provider() {
        let json = json!({
            "lab/small": { "litellm_provider": "lab", "mode": "chat", "max_input_tokens": 1_000,
                "max_output_tokens": 100, "input_cost_per_token": 1.25e-6,
                "output_cost_per_token": 1e-5, "cache_creation_input_token_cost": 0.0,
                "cache_read_input_token_cost": 1.25e-7,
                "input_cost_per_token_above_200k_tokens": 2.5e-6,
                "output_cost_per_token_above_200k_tokens": 2e-5,
                "input_cost_per_token_above_200k_tokens_batches": 1e-9,
                "supports_vision": true, "supports_function_calling": false },
            "small": { "litellm_provider": "lab", "mode": "embedding" },
            "plain": { "litellm_provider": "lab", "mode": "responses", "input_cost_per_token": 0.0,
                "output_cost_per_token": 0.0, "output_cost_per_image": 1.0 },
            "labs/small": { "litellm_provider": "labs", "mode": "chat" },
        });
        let litellm = Litellm::read(json.to_string().as_bytes()).unwrap();
        let models = litellm.models("lab");
        assert_eq!(models.keys().collect::<Vec<_>>(), ["plain", "small"]);
        let small = &models["small"];
        assert!(small.talks && !small.is_mixed);
        assert_eq!((small.input, small.output), (Some(1_000), Some(100)));
        assert_eq!(small.abilities, [(0, false), (3, true)].into());
        let text = "in 1.25 cached 0.125 out 10 >200000 in 2.5 out 20";
        assert_eq!(small.prices.as_ref().unwrap().to_string(), text);
        let plain = &models["plain"];
        assert!(plain.talks && plain.is_mixed);
        assert_eq!(plain.prices, None, "nothing is how it says that it does not know");
    }
}
