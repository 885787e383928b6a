//! A model, and what its sources say together.

use std::{collections::BTreeMap, fmt};

use super::{
    genai::{Genai, Model},
    litellm::{ABILITIES, Entry, Litellm},
    price::{Prices, Tariff},
    provider::Provider,
};

/// By which part of it one source may round a number of tokens that the other says exactly.
const ROUNDED_TO: u64 = 20;

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    provider: &'static str,
    name: String,
    context: Option<u64>,
    output: Option<u64>,
    abilities: BTreeMap<usize, bool>,
    prices: Option<Prices>,
}

/// What the sources say of the models of `provider`, by name, and the models whose price they do not agree
/// on.
///
/// `litellm` says which models there are; `genai-prices` says of more of them what they cost.
pub(super) fn rows(
    provider: &Provider,
    (litellm, genai): (&Litellm, &Genai),
    today: &str,
) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut disputed) = (BTreeMap::new(), Vec::new());
    let entries = litellm.models(provider.litellm);
    for (name, entry) in &entries {
        if entry.talks && (provider.serves)(name) {
            let model = genai.find(provider.genai, name);
            let prices = price(entry, model, today).unwrap_or_else(|Disputed| {
                disputed.push(format!("{}:{name}", provider.name));
                None
            });
            rows.insert(name.clone(), Row::new(provider, name, (entry, model), prices));
        }
    }
    for model in genai.named(provider.genai) {
        let is_new = (provider.serves)(&model.id) && !entries.contains_key(&model.id);
        if let (true, Some(prices)) = (is_new, &model.prices) {
            let sources = (&Entry::default(), Some(model));
            let row = Row::new(provider, &model.id, sources, Some(prices.clone()));
            rows.insert(model.id.clone(), row);
        }
    }
    (rows.into_values().filter(Row::says_something).collect(), disputed)
}

/// That two sources say that a model costs this, and that it costs that.
#[derive(Debug, PartialEq, Eq)]
struct Disputed;

/// What a model costs: what both sources say, or the only one that says something.
fn price(entry: &Entry, model: Option<&Model>, today: &str) -> Result<Option<Prices>, Disputed> {
    if entry.is_mixed {
        return Ok(None);
    }
    let Some(model) = model else { return Ok(entry.prices.clone().map(Prices::from)) };
    let (Some(prices), Some(other)) = (&model.prices, &entry.prices) else {
        return Ok(model.prices.clone());
    };
    let agrees = |tariff: &Tariff| {
        (tariff.base.input, tariff.base.output) == (other.base.input, other.base.output)
    };
    if !prices.on(today).is_some_and(agrees) {
        return Err(Disputed);
    }
    let mut prices = prices.clone();
    if let [tariff] = &mut prices.0.values_mut().collect::<Vec<_>>()[..]
        && tariff.above.is_empty()
    {
        tariff.base.cached = tariff.base.cached.or(other.base.cached);
        tariff.base.cache_write = tariff.base.cache_write.or(other.base.cache_write);
    }
    Ok(Some(prices))
}

/// How many tokens a model reads and writes together. The sources agree when one rounds what the other says,
/// or one says only how many are read of them.
fn context(entry: &Entry, model: Option<&Model>) -> Option<u64> {
    let (Some(window), Some(read)) = (model.and_then(|model| model.context), entry.input) else {
        return entry.input.or(model?.context);
    };
    let is_about = |count: u64| count.abs_diff(window) <= count / ROUNDED_TO;
    let together = read + entry.output.unwrap_or_default();
    if is_about(read) { Some(read) } else { is_about(together).then_some(together) }
}

impl Row {
    fn new(
        provider: &Provider,
        name: &str,
        (entry, model): (&Entry, Option<&Model>),
        prices: Option<Prices>,
    ) -> Self {
        Self {
            provider: provider.name,
            name: name.to_owned(),
            context: context(entry, model),
            output: entry.output,
            abilities: entry.abilities.clone(),
            prices,
        }
    }

    fn says_something(&self) -> bool {
        self.context.is_some()
            || self.output.is_some()
            || !self.abilities.is_empty()
            || self.prices.is_some()
    }
}

impl fmt::Display for Row {
    /// Its cells with tabs between them; what is not known is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        let ability = |(index, can): (&usize, &bool)| {
            let (name, _) = ABILITIES.get(*index)?;
            Some(if *can { (*name).to_owned() } else { format!("!{name}") })
        };
        let abilities: Vec<_> = self.abilities.iter().filter_map(ability).collect();
        let prices = self.prices.as_ref().map(ToString::to_string).unwrap_or_default();
        let (context, output) = (number(self.context), number(self.output));
        let cells = [self.provider, &self.name, &context, &output, &abilities.join(" "), &prices];
        f.write_str(&cells.join("\t"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const LAB: Provider = Provider { name: "lab", litellm: "lab", genai: "lab", serves: |_| true };

    fn flat(input: &str) -> Value {
        json!({ "input_mtok": input, "output_mtok": "2" })
    }

    fn model(id: &str, context: u32, prices: &Value) -> Value {
        let clause = json!({ "_": "ClauseEquals", "equals": id });
        json!({ "id": id, "match": clause, "context_window": context, "prices": prices })
    }

    fn entry(more: Value) -> Value {
        let mut entry = json!({ "litellm_provider": "lab", "mode": "chat",
            "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6 });
        let Value::Object(more) = more else { panic!("an object") };
        more.into_iter().for_each(|(key, value)| entry[key] = value);
        entry
    }

    /// The lines, and the models whose price is disputed.
    fn lines(litellm: &Value, models: &[Value]) -> (Vec<String>, Vec<String>) {
        let genai = json!([{ "id": "lab", "models": models }]).to_string();
        let litellm = Litellm::read(litellm.to_string().as_bytes()).unwrap();
        let genai = Genai::read(genai.as_bytes()).unwrap();
        let (rows, disputed) = rows(&LAB, (&litellm, &genai), "2026-06-01");
        (rows.iter().map(ToString::to_string).collect(), disputed)
    }

    #[test]
    fn a_price_is_what_the_sources_agree_on_or_what_the_only_one_says() {
        let litellm = json!({
            "agreed": entry(json!({ "cache_read_input_token_cost": 1e-7 })),
            "mixed": entry(json!({ "output_cost_per_audio_token": 1e-5 })),
            "disputed": entry(json!({})),
            "only": entry(json!({ "supports_vision": false })),
            "hourly": entry(json!({ "max_output_tokens": 9 })),
            "lab/embeds": entry(json!({ "mode": "embedding" })),
            "nothing": json!({ "litellm_provider": "lab", "mode": "chat" }),
        });
        let changed = json!([{ "prices": flat("9") },
            { "constraint": { "start_date": { "args": [2026, 1, 1] } }, "prices": flat("1") },
            { "constraint": { "start_date": { "args": [2027, 1, 1] } }, "prices": flat("5") }]);
        let (rows, disputed) = lines(
            &litellm,
            &[
                model("agreed", 10, &flat("1")),
                model("mixed", 10, &flat("1")),
                model("disputed", 10, &flat("3")),
                model("hourly", 10, &json!([])),
                model("embeds", 10, &flat("1")),
                model("new", 10, &changed),
                model("unpriced", 10, &json!({})),
            ],
        );
        let expected = [
            "lab\tagreed\t10\t\t\tin 1 cached 0.1 out 2",
            "lab\tdisputed\t10\t\t\t",
            "lab\thourly\t10\t9\t\t",
            "lab\tmixed\t10\t\t\t",
            "lab\tnew\t10\t\t\tin 9 out 2; 2026-01-01 in 1 out 2; 2027-01-01 in 5 out 2",
            "lab\tonly\t\t\t!images\tin 1 out 2",
        ];
        assert_eq!(rows, expected);
        assert_eq!(disputed, ["lab:disputed"]);
    }

    #[test]
    fn the_price_of_today_is_the_one_that_must_agree() {
        let change = |day| {
            json!([{ "prices": flat("9") },
                { "constraint": { "start_date": { "args": [2026, 6, day] } }, "prices": flat("1") }])
        };
        let litellm = || json!({ "m": entry(json!({})) });
        assert!(lines(&litellm(), &[model("m", 10, &change(1))]).1.is_empty());
        assert_eq!(lines(&litellm(), &[model("m", 10, &change(2))]).1, ["lab:m"]);
    }

    #[test]
    fn a_window_is_one_that_the_sources_agree_on() {
        let window = |window: u32, read: u32, written: u32| {
            let limits = json!({ "max_input_tokens": read, "max_output_tokens": written });
            let (rows, _) =
                lines(&json!({ "m": entry(limits) }), &[model("m", window, &json!({}))]);
            rows[0].split('\t').nth(2).map(str::to_owned).unwrap()
        };
        assert_eq!(window(1_000_000, 1_048_576, 1), "1048576", "one is rounded");
        assert_eq!(window(400_000, 272_000, 128_000), "400000", "one is only what is read");
        assert_eq!(window(400_000, 128_000, 16_384), "", "they do not agree");
    }
}
