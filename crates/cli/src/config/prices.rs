//! `[prices."PROVIDER:MODEL"]`: what models cost, whatever the table says.

use std::collections::BTreeMap;

use branchwork::{
    core::provider::{Prices, micro_usd},
    reference::ModelReference,
};
use toml_edit::{Item, TableLike};

use super::{table, unknown};

/// What a table may hold: US dollars for a million tokens.
const KEYS: [&str; 4] = ["input", "cached", "cache_write", "output"];

/// A model: its provider, and its name.
pub(crate) type PricedModel = (String, String);

/// Reads the tables.
pub(super) fn prices(item: &Item) -> Result<BTreeMap<PricedModel, Prices>, String> {
    let models = table("prices", item)?.iter();
    models.map(|(name, item)| Ok((model(name)?, model_prices(name, item)?))).collect()
}

fn model(name: &str) -> Result<PricedModel, String> {
    if name.contains("://") {
        let instead = "give the server a name, `[providers.NAME]`, and ask for its models by that";
        return Err(format!("`prices.\"{name}\"` names a server by its URL: {instead}"));
    }
    match ModelReference::parse(name) {
        Ok(ModelReference { provider: Some(provider), model }) => Ok((provider, model)),
        _ => {
            Err(format!("`prices.\"{name}\"` does not name a model: `[prices.\"provider:model\"]`"))
        }
    }
}

fn model_prices(name: &str, item: &Item) -> Result<Prices, String> {
    let path = format!("prices.\"{name}\"");
    let fields = table(&path, item)?;
    if let Some((key, _)) = fields.iter().find(|(key, _)| !KEYS.contains(key)) {
        return Err(format!("`{path}`: {}", unknown(key, &KEYS)));
    }
    let wanted = |key| {
        let price = price(&path, fields, key)?;
        price.ok_or_else(|| format!("`{path}` has no `{key}`: what a million tokens cost"))
    };
    let prices = Prices::new(wanted("input")?, wanted("output")?);
    let prices = match price(&path, fields, "cached")? {
        Some(cached) => prices.with_cached(cached),
        None => prices,
    };
    Ok(match price(&path, fields, "cache_write")? {
        Some(cache_write) => prices.with_cache_write(cache_write),
        None => prices,
    })
}

/// Millionths of a dollar.
fn price(path: &str, fields: &dyn TableLike, key: &str) -> Result<Option<u64>, String> {
    let Some(item) = fields.get(key) else { return Ok(None) };
    let whole = item.as_integer().map(|dollars| dollars.to_string());
    let dollars = whole.or_else(|| item.as_float().map(|dollars| dollars.to_string()));
    let micro = dollars.and_then(|dollars| micro_usd(&dollars));
    let problem = "must be US dollars for a million tokens, not below 0 and no finer than 0.000001";
    micro.map(Some).ok_or_else(|| format!("`{path}.{key}` {problem}"))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn prices_are_read_and_what_is_wrong_is_named() {
        let text = "[prices.\"lab:llama3:8b\"]\ninput = 2.5\noutput = 10\n\
                    [prices.\"lab:free\"]\ninput = 0\noutput = 0.0\ncached = 0.075\ncache_write = 1\n";
        let config = Config::parse(text).unwrap();
        let of = |model: &str| config.prices[&("lab".to_owned(), model.to_owned())];
        assert_eq!(of("llama3:8b"), Prices::new(2_500_000, 10_000_000));
        let free = Prices::new(0, 0).with_cached(75_000).with_cache_write(1_000_000);
        assert_eq!((of("free"), config.prices.len()), (free, 2));
        for (fields, said) in [
            ("inputs = 1\noutput = 1", "did you mean `input`?"),
            ("input = 1", "has no `output`"),
            ("output = 1", "has no `input`"),
            ("input = -1\noutput = 1", "`prices.\"lab:x\".input` must be US dollars"),
            ("input = 1\noutput = '1'", "`prices.\"lab:x\".output` must be US dollars"),
            ("input = 1\noutput = 0.0000001", "no finer than"),
            ("input = nan\noutput = 1", "must be US dollars"),
            ("input = 1e300\noutput = 1", "must be US dollars"),
            ("input = 1\noutput = 1\ncached = true", "cached` must be US dollars"),
        ] {
            let error = Config::parse(&format!("[prices.\"lab:x\"]\n{fields}\n")).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        let no_model = "does not name a model";
        for (name, said) in [
            ("x", no_model),
            (":x", no_model),
            ("lab:", no_model),
            ("", no_model),
            ("http://127.0.0.1:1/v1:x", "names a server by its URL"),
        ] {
            let text = format!("[prices.\"{name}\"]\ninput = 1\noutput = 1\n");
            let error = Config::parse(&text).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        assert!(Config::parse("prices = 3").unwrap_err().contains("must be a table"));
    }
}
