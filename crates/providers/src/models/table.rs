//! The table, and what is found in it.

use std::{collections::BTreeMap, sync::LazyLock};

use branchwork_core::provider::{PriceList, undated};

use super::{Ability, line};

/// The file.
const TEXT: &str = include_str!("models.tsv");

/// What begins a line that is no model.
const REMARK: char = '#';

/// Every model, by provider and name; read when it is first wanted.
static TABLE: LazyLock<Vec<Model>> =
    LazyLock::new(|| models(TEXT).collect::<Option<_>>().expect("a test reads every line of it"));

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Model {
    /// Who serves it: the name of a [preset](crate::preset); of those that only differ in their protocol, the shorter.
    pub provider: &'static str,
    /// Its name, in the provider's words.
    pub name: &'static str,
    /// How many tokens it reads and writes together; where only what it reads is known, that.
    pub context_tokens: Option<u32>,
    /// How many tokens it writes at most.
    pub output_tokens: Option<u32>,
    /// What is known of what it can do.
    pub(super) abilities: BTreeMap<Ability, bool>,
    /// What it costs, by the tokens of ordinary requests: neither in a batch nor ahead of others.
    pub prices: Option<PriceList>,
}

impl Model {
    /// Whether it can do that; `None` when it is not known.
    pub fn can(&self, ability: Ability) -> Option<bool> {
        self.abilities.get(&ability).copied()
    }

    fn key(&self) -> (&str, &str) {
        (self.provider, self.name)
    }
}

/// Every model of the table, by provider and name.
pub fn table() -> &'static [Model] {
    &TABLE
}

/// What ends the name of a provider that is another one in another protocol: `openai-responses` sells what
/// `openai` does.
const OTHER_PROTOCOL: &str = "-responses";

fn seller(provider: &str) -> &str {
    provider.strip_suffix(OTHER_PROTOCOL).unwrap_or(provider)
}

/// The models of one provider, by name; of one in another protocol, those of the same seller.
pub fn of_provider(provider: &str) -> &'static [Model] {
    let provider = seller(provider);
    let from = TABLE.partition_point(|model| model.provider < provider);
    let rest = TABLE.get(from..).unwrap_or_default();
    let count = rest.partition_point(|model| model.provider == provider);
    rest.get(..count).unwrap_or_default()
}

/// The model of that provider and name; else the one whose name is this without the date at its end, of
/// which this is a snapshot. `None` when it is not known. Takes O(log n).
pub fn find(provider: &str, model: &str) -> Option<&'static Model> {
    exactly(provider, model).or_else(|| exactly(provider, undated(model)?))
}

/// What that model costs, when it is known: for
/// [`PriceBook::with_table`](branchwork_core::provider::PriceBook::with_table).
pub fn prices(provider: &str, model: &str) -> Option<&'static PriceList> {
    find(provider, model)?.prices.as_ref()
}

fn exactly(provider: &str, name: &str) -> Option<&'static Model> {
    let place = TABLE.binary_search_by_key(&(seller(provider), name), Model::key).ok()?;
    TABLE.get(place)
}

/// The models of a table, line by line; `None` where a line is none.
fn models(text: &'static str) -> impl Iterator<Item = Option<Model>> {
    text.lines().filter(|line| !line.starts_with(REMARK)).map(line::read)
}

#[cfg(test)]
mod tests {
    use branchwork_core::clock::Timestamp;

    use super::*;
    use crate::presets;

    /// What the table may weigh: it is in every program that can ask a model.
    const BYTES_MAX: usize = 300 * 1024;

    #[test]
    fn every_line_is_a_model_and_they_are_in_order() {
        assert!(TEXT.len() <= BYTES_MAX, "{} bytes", TEXT.len());
        let read: Vec<_> = models(TEXT).collect();
        let line = |place| TEXT.lines().filter(|line| !line.starts_with(REMARK)).nth(place);
        let bad = read.iter().position(Option::is_none);
        assert_eq!(bad.and_then(line), None, "is no model");
        assert!(read.len() > 1_000, "{} models", read.len());
        let unordered = table().windows(2).find(|pair| pair[0].key() >= pair[1].key());
        assert_eq!(unordered, None, "are not in order, or are one");
        let priced = table().iter().filter(|model| model.prices.is_some()).count();
        assert!(priced * 10 > table().len() * 9, "{priced} have a price");
    }

    #[test]
    fn the_table_says_where_it_comes_from() {
        let head: Vec<_> = TEXT.lines().take_while(|line| line.starts_with(REMARK)).collect();
        let told = |start: &str| head.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!((told("# as of\t20"), told("# source\t")), (1, 2));
        for source in head.iter().filter(|line| line.starts_with("# source\t")) {
            let cells: Vec<_> = source.split('\t').collect();
            let [_, package, _, licence, file, sha256] = cells[..] else { panic!("{source}") };
            assert!(package.contains("==") && licence.starts_with("MIT, ") && !file.is_empty());
            assert_eq!(sha256.strip_prefix("sha256 ").unwrap().len(), 64);
        }
        let notice = include_str!("NOTICE");
        assert!(notice.contains("Berri AI") && notice.contains("Pydantic Services Inc."));
    }

    #[test]
    fn hosted_presets_have_models_and_local_ones_have_none() {
        let hosted = presets().iter().filter(|preset| !preset.is_local).map(|preset| preset.name);
        for provider in hosted.chain(["anthropic", "gemini", "azure"]) {
            let models = of_provider(provider);
            assert!(!models.is_empty(), "{provider}");
            assert!(models.iter().all(|model| model.provider == seller(provider)));
        }
        let providers = table().chunk_by(|one, next| one.provider == next.provider);
        let counted: usize = providers.map(|models| of_provider(models[0].provider).len()).sum();
        assert_eq!(counted, table().len());
        for nobody in ["", "llamacpp", "ollama", "zzz"] {
            assert_eq!(of_provider(nobody), [], "{nobody}");
        }
    }

    #[test]
    fn a_model_is_found_by_its_name_or_its_name_without_a_date() {
        for model in table() {
            assert_eq!(find(model.provider, model.name), Some(model));
        }
        let name = |model| find("openai", model).map(|model| model.name);
        assert_eq!(name("gpt-4o-2024-05-13"), Some("gpt-4o-2024-05-13"), "it had its own price");
        assert_eq!(name("gpt-4o-2031-01-01"), Some("gpt-4o"));
        let haiku = find("anthropic", "claude-haiku-4-5-20310101").map(|model| model.name);
        assert_eq!(haiku, Some("claude-haiku-4-5"));
        for unknown in ["", "gpt", "gpt-4o-", "gpt-4o-mini-tiny", "GPT-4o", "gpt-4o-2031-13-01"] {
            assert_eq!(name(unknown), None, "{unknown}");
        }
        assert_eq!(find("ollama", "gpt-4o"), None);
    }

    #[test]
    fn prices_of_the_table_hold_by_date_and_length() {
        let at = |day: i64| Timestamp::from_micros(day * 86_400_000_000);
        let sonnet = prices("anthropic", "claude-sonnet-4-6").unwrap();
        // It was dearer above 200 000 tokens until 13 March 2026, which is day 20 525 of the epoch.
        let (before, after) = (sonnet.at(at(20_524)).unwrap(), sonnet.at(at(20_525)).unwrap());
        assert_eq!(before.prices(200_001).input, 2 * before.prices(200_000).input);
        assert_eq!(after.prices(200_001), after.prices(200_000));
        assert_eq!(prices("anthropic", "claude-unheard-of"), None);
    }
}
