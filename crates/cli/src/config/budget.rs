//! `[budget]`: what calls of models may use together, unless options say otherwise.

use clap::ValueEnum;
use toml_edit::Item;

use super::{resilience::count, string, table, unknown};
use crate::args::{BudgetArgs, dollars};

/// What the table may hold, with what it is for.
pub(crate) const BUDGET: [(&str, &str); 4] = [
    ("usd", "US dollars that calls may cost together, what was used before included"),
    ("tokens", "tokens that models may read and write together"),
    (
        "scope",
        "whose calls it is for: `session`, which it is when not said, `branch`, or `tree`: a branch and its forks",
    ),
    (
        "over",
        "what becomes of a turn that would use more: `stop` closes it, which is so when not said, `park` lets `resume` go on with a larger budget",
    ),
];

/// Reads the table.
pub(super) fn budget(item: &Item) -> Result<BudgetArgs, String> {
    let mut budget = BudgetArgs::default();
    for (key, item) in table("budget", item)?.iter() {
        let path = format!("budget.{key}");
        match key {
            "usd" => budget.micro_usd = Some(usd(&path, item)?),
            "tokens" => budget.tokens = Some(count(&path, item)?.get()),
            "scope" => budget.scope = Some(one_of(&path, item)?),
            "over" => budget.over = Some(one_of(&path, item)?),
            _ => return Err(unknown(key, &BUDGET.map(|(key, _)| key))),
        }
    }
    if !budget.limits() && budget != BudgetArgs::default() {
        return Err("`budget` limits nothing: it has neither `usd` nor `tokens`".to_owned());
    }
    Ok(budget)
}

fn usd(path: &str, item: &Item) -> Result<u64, String> {
    let whole = item.as_integer().map(|dollars| dollars.to_string());
    let written = whole.or_else(|| item.as_float().map(|dollars| dollars.to_string()));
    let dollars = written.and_then(|written| dollars(&written).ok());
    dollars.ok_or_else(|| {
        format!("`{path}` must be US dollars, more than 0 and no finer than 0.000001")
    })
}

fn one_of<T: ValueEnum>(path: &str, item: &Item) -> Result<T, String> {
    let name = string(path, item)?;
    T::from_str(&name, false).map_err(|_unknown| {
        let names = T::value_variants().iter().filter_map(T::to_possible_value);
        let names: Vec<_> = names.map(|value| value.get_name().to_owned()).collect();
        format!("`{path}` is `{name}`; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::Config, *};
    use crate::args::{Over, Scope};

    #[test]
    fn a_budget_is_read_and_what_is_wrong_is_named() {
        let text = "[budget]\nusd = 2.5\ntokens = 100\nscope = 'tree'\nover = 'park'\n";
        let expected = BudgetArgs {
            micro_usd: Some(2_500_000),
            tokens: Some(100),
            scope: Some(Scope::Tree),
            over: Some(Over::Park),
        };
        assert_eq!(Config::parse(text).unwrap().budget, expected);
        for (fields, said) in [
            ("usd = 0", "`budget.usd` must be US dollars, more than 0"),
            ("usd = '1'", "`budget.usd` must be US dollars"),
            ("usd = -1", "`budget.usd` must be US dollars"),
            ("tokens = 0", "`budget.tokens` must be a whole number, at least 1"),
            ("tokens = 1\nscope = 'forest'", "is `forest`; there are session, branch, tree"),
            ("tokens = 1\nover = 'go'", "`budget.over` is `go`; there are stop, park"),
            ("token = 1", "did you mean `tokens`?"),
            ("over = 'park'", "neither `usd` nor `tokens`"),
        ] {
            let error = Config::parse(&format!("[budget]\n{fields}\n")).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
