//! The prices of the package `genai-prices`.
//!
//! Its data are Python: a list of providers, whose models say which names they stand for (`match`) and what
//! they cost (`prices`). They are read as [JSON](super::table) and nothing of them is run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use super::price::{Prices, Rates, Tariff, whole};

/// What a price may depend on beside the number of ordinary tokens. What else there is, images and sounds
/// that are made, pages, calls, would make a cost wrong that only counts tokens.
const BESIDE: [&str; 10] = [
    "_",
    "args",
    "cache_audio_read_mtok",
    "cache_image_read_mtok",
    "cache_write_1h_mtok",
    "input_audio_mtok",
    "input_image_mtok",
    "input_video_mtok",
    "storage_searches_kcount",
    "web_searches_kcount",
];

/// The prices of ordinary tokens.
const INPUT: &str = "input_mtok";
const CACHED: &str = "cache_read_mtok";
const CACHE_WRITE: &str = "cache_write_mtok";
const OUTPUT: &str = "output_mtok";
const TOKENS: [&str; 4] = [INPUT, CACHED, CACHE_WRITE, OUTPUT];

/// All providers and models.
#[derive(Debug)]
pub(super) struct Genai {
    providers: BTreeMap<String, Provider>,
}

#[derive(Debug)]
struct Provider {
    models: Vec<Model>,
    /// The providers whose models it serves too, at the same prices.
    fallbacks: Vec<String>,
}

/// A model.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) id: String,
    /// Which names it stands for.
    clause: Value,
    /// How many tokens it reads and writes together.
    pub(super) context: Option<u64>,
    /// What it costs; `None` when that is not said, or depends on more than tokens and days.
    pub(super) prices: Option<Prices>,
}

impl Genai {
    /// Reads the list of providers.
    pub(super) fn read(json: &[u8]) -> Result<Self> {
        let list: Vec<Value> = serde_json::from_slice(json).context("reading genai-prices")?;
        let providers = list.iter().map(|provider| {
            let id = text(provider, "id").context("a provider without an id")?;
            let models = provider["models"].as_array().context("a provider without models")?;
            let models = models.iter().map(Model::read).collect::<Result<_>>()?;
            let fallbacks = provider["fallback_model_providers"].as_array().into_iter().flatten();
            let fallbacks = fallbacks.filter_map(Value::as_str).map(str::to_owned).collect();
            Ok((id.to_owned(), Provider { models, fallbacks }))
        });
        Ok(Self { providers: providers.collect::<Result<_>>()? })
    }

    /// The model of `provider` that stands for `name`.
    pub(super) fn find(&self, provider: &str, name: &str) -> Option<&Model> {
        let provider = self.providers.get(provider)?;
        let name = name.to_lowercase();
        let of = |provider: &'_ Provider| provider.models.iter().position(|model| model.is(&name));
        if let Some(place) = of(provider) {
            return provider.models.get(place);
        }
        let others = provider.fallbacks.iter().filter_map(|other| self.providers.get(other));
        others.flat_map(|other| &other.models).find(|model| model.is(&name))
    }

    /// The models of `provider` whose identifier is a name that they stand for.
    pub(super) fn named(&self, provider: &str) -> impl Iterator<Item = &Model> {
        let models = self.providers.get(provider).map(|provider| &provider.models);
        models.into_iter().flatten().filter(|model| states(&model.clause, &model.id))
    }
}

impl Model {
    fn read(model: &Value) -> Result<Self> {
        let id = text(model, "id").context("a model without an id")?.to_owned();
        let context = model["context_window"].as_u64();
        let prices = prices(&model["prices"]);
        Ok(Self { id, clause: model["match"].clone(), context, prices })
    }

    /// Whether it stands for `name`, which is in lower case.
    fn is(&self, name: &str) -> bool {
        matches(&self.clause, name)
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// Whether `clause` is true of `name`. Regular expressions are not read: they stand for names with dates,
/// which every reader of the table takes off.
fn matches(clause: &Value, name: &str) -> bool {
    let word = |key| text(clause, key).map(str::to_lowercase).unwrap_or_default();
    let clauses = |key: &str| clause[key].as_array().into_iter().flatten();
    match text(clause, "_") {
        Some("ClauseEquals") => name == word("equals"),
        Some("ClauseStartsWith") => name.starts_with(&word("starts_with")),
        Some("ClauseEndsWith") => name.ends_with(&word("ends_with")),
        Some("ClauseContains") => name.contains(&word("contains")),
        Some("ClauseOr") => clauses("or_").any(|clause| matches(clause, name)),
        Some("ClauseAnd") => clauses("and_").all(|clause| matches(clause, name)),
        _ => false,
    }
}

/// Whether `clause` says `name` word by word.
fn states(clause: &Value, name: &str) -> bool {
    text(clause, "equals") == Some(name)
        || clause["or_"].as_array().into_iter().flatten().any(|clause| states(clause, name))
}

/// Reads one tariff, or a list of them of which the last one counts whose condition is true.
fn prices(prices: &Value) -> Option<Prices> {
    let Value::Array(list) = prices else { return Some(tariff(prices.as_object()?)?.into()) };
    let tariffs = list.iter().map(|item| {
        let day = match item.get("constraint") {
            None | Some(Value::Null) => None,
            // Others depend on the hour, which no table of days can tell.
            Some(constraint) => Some(day(constraint.get("start_date")?)?),
        };
        Some((day, tariff(item["prices"].as_object()?)?))
    });
    tariffs.collect::<Option<Prices>>().filter(|prices| !prices.0.is_empty())
}

/// `2026-03-13`, from a date of three numbers.
fn day(date: &Value) -> Option<String> {
    let numbers: Option<Vec<u64>> = date["args"].as_array()?.iter().map(Value::as_u64).collect();
    match numbers?[..] {
        [year, month, day] => Some(format!("{year:04}-{month:02}-{day:02}")),
        _ => None,
    }
}

fn tariff(fields: &Map<String, Value>) -> Option<Tariff> {
    let is_known = |key: &String| [&BESIDE[..], &TOKENS].concat().contains(&key.as_str());
    if !fields.keys().all(is_known) {
        return None;
    }
    let tiers = |key| fields.get(key).into_iter().flat_map(|price: &Value| steps(price));
    let bounds: BTreeSet<u64> = TOKENS.into_iter().flat_map(tiers).collect();
    let above = bounds.into_iter().map(|bound| Some((bound, rates(fields, Some(bound))?)));
    Some(Tariff { base: rates(fields, None)?, above: above.collect::<Option<_>>()? })
}

/// The bounds of a price that has tiers.
fn steps(price: &Value) -> impl Iterator<Item = u64> {
    let tiers = price.get("tiers").and_then(Value::as_array).into_iter().flatten();
    tiers.filter_map(|tier| tier["start"].as_u64())
}

/// The rates above `bound` tokens.
fn rates(fields: &Map<String, Value>, bound: Option<u64>) -> Option<Rates> {
    let rate = |key: &str| fields.get(key).map(|price| micro(price, bound));
    Some(Rates {
        input: rate(INPUT)??,
        cached: rate(CACHED).map_or(Some(None), |rate| rate.map(Some))?,
        cache_write: rate(CACHE_WRITE).map_or(Some(None), |rate| rate.map(Some))?,
        output: rate(OUTPUT)??,
    })
}

/// A price in millionths of a dollar: a number as text, or one with tiers.
fn micro(price: &Value, bound: Option<u64>) -> Option<u64> {
    let price = match price {
        Value::String(price) => price,
        price => {
            let tiers = price["tiers"].as_array()?.iter();
            let passed =
                tiers.filter(|tier| bound.is_some_and(|b| tier["start"].as_u64() <= Some(b)));
            let highest = passed.max_by_key(|tier| tier["start"].as_u64());
            highest.map_or(&price["base"], |tier| &tier["price"]).as_str()?
        }
    };
    whole(price.parse::<f64>().ok()? * 1e6)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is(text: &str) -> Value {
        json!({ "_": "ClauseEquals", "equals": text })
    }

    fn model(id: &str, clause: &Value, prices: &Value) -> Value {
        json!({ "_": "ModelInfo", "id": id, "match": clause, "prices": prices })
    }

    fn read(models: &[Value]) -> Genai {
        let lab = json!({ "id": "lab", "models": models, "fallback_model_providers": ["other"] });
        let flat = json!({ "_": "ModelPrice", "input_mtok": "1", "output_mtok": "2" });
        let other = json!({ "id": "other", "models": [model("one", &is("one"), &flat)] });
        Genai::read(json!([lab, other]).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_name_is_found_by_the_first_clause_that_is_true_of_it() {
        let starts = json!({ "_": "ClauseStartsWith", "starts_with": "GPT-4" });
        let contains = json!({ "_": "ClauseContains", "contains": "mini" });
        let ends = json!({ "_": "ClauseEndsWith", "ends_with": "-v" });
        let both = json!({ "_": "ClauseAnd", "and_": [starts, contains] });
        let regex = json!({ "_": "ClauseRegex", "regex": "one" });
        let any = json!({ "_": "ClauseOr", "or_": [is("chat"), ends, regex] });
        let genai = read(&[model("a", &both, &json!({})), model("chat", &any, &json!({}))]);
        let found = |name| genai.find("lab", name).map(|model| model.id.as_str());
        assert_eq!(found("gpt-4-Mini"), Some("a"));
        assert_eq!((found("chat"), found("gpt-4-v")), (Some("chat"), Some("chat")));
        assert_eq!((found("one"), found("gpt-4")), (Some("one"), None), "of another provider");
        assert_eq!(genai.find("nobody", "one").map(|model| &model.id), None);
        let named: Vec<_> = genai.named("lab").map(|model| &model.id).collect();
        assert_eq!(named, ["chat"], "`a` is no name");
    }

    #[test]
    fn prices_are_read_that_depend_on_tokens_and_days_only() {
        let since = |year, month, day| json!({ "start_date": { "args": [year, month, day] } });
        let flat = |input| json!({ "_": "ModelPrice", "input_mtok": input, "output_mtok": "2" });
        let list = json!([
            { "prices": flat("10") },
            { "constraint": since(2025, 6, 10), "prices": flat("2") },
            { "constraint": since(2025, 7, 1), "prices": flat("2") },
        ]);
        let text = |value: &Value| prices(value).map(|prices| prices.to_string());
        assert_eq!(text(&list).unwrap(), "in 10 out 2; 2025-06-10 in 2 out 2");
        let tiered = json!({ "_": "TieredPrices", "base": "3",
            "tiers": [{ "start": 10, "price": "4" }, { "start": 20, "price": "5" }] });
        let mut long = flat("x");
        long["input_mtok"] = tiered;
        long["cache_read_mtok"] = json!("0.1");
        long["web_searches_kcount"] = json!("10");
        let expected = "in 3 cached 0.1 out 2 >10 in 4 cached 0.1 out 2 >20 in 5 cached 0.1 out 2";
        assert_eq!(text(&long).unwrap(), expected);
        let mut of_images = flat("1");
        of_images["output_image_mtok"] = json!("30");
        let hours = json!([{ "prices": flat("1") },
            { "constraint": { "start_time": { "args": [1, 0] } }, "prices": flat("2") }]);
        for unknown in [json!({ "_": "ModelPrice" }), of_images, hours, flat("0.0000001")] {
            assert_eq!(text(&unknown), None, "{unknown}");
        }
    }
}
