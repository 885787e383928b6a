//! A line of the table, read.
//!
//! Its cells have tabs between them: provider, model, context, output, abilities, prices. An empty cell is
//! what is not known. An ability with a `!` before it is one that the model does not have. Prices are
//! tariffs with `; ` between them, each with the day from which it holds when there is one: the prices of
//! ordinary requests, then `>` with a number of tokens and the prices above it.
//!
//! ```text
//! in 10 out 40; 2025-06-10 in 2 cached 0.5 write 2.5 out 8 >200000 in 4 cached 1 write 5 out 12
//! ```

use std::collections::BTreeMap;

use branchwork_core::{
    clock::Timestamp,
    provider::{PriceList, Prices, Tariff, micro_usd},
};
use jiff::{civil::Date, tz::TimeZone};

use super::{Ability, Model};

/// That a cell says something else.
#[derive(Debug)]
struct Unreadable;

/// Reads a line; `None` when it is none.
pub(super) fn read(line: &'static str) -> Option<Model> {
    let mut cells = line.split('\t');
    let mut cell = || cells.next();
    let model = Model {
        provider: cell().filter(|provider| !provider.is_empty())?,
        name: cell().filter(|name| !name.is_empty())?,
        context_tokens: known(cell()?, count).ok()?,
        output_tokens: known(cell()?, count).ok()?,
        abilities: abilities(cell()?)?,
        prices: known(cell()?, prices).ok()?,
    };
    cells.next().is_none().then_some(model)
}

/// What a cell says; an empty one says nothing.
fn known<T>(cell: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Unreadable> {
    if cell.is_empty() { Ok(None) } else { read(cell).map(Some).ok_or(Unreadable) }
}

fn count(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn abilities(cell: &str) -> Option<BTreeMap<Ability, bool>> {
    let one = |word: &str| match word.strip_prefix('!') {
        Some(name) => Some((Ability::named(name)?, false)),
        None => Some((Ability::named(word)?, true)),
    };
    cell.split_terminator(' ').map(one).collect()
}

fn prices(cell: &str) -> Option<PriceList> {
    let mut list = PriceList::default();
    for text in cell.split("; ") {
        match text.split_once(' ')? {
            ("in", _) if list == PriceList::default() => list = PriceList::new(tariff(text)?),
            ("in", _) => return None,
            (day, text) => list = list.with_since(midnight(day)?, tariff(text)?),
        }
    }
    Some(list)
}

/// The beginning of a day, UTC.
fn midnight(day: &str) -> Option<Timestamp> {
    let time = day.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_micros(time.as_microsecond()))
}

fn tariff(text: &str) -> Option<Tariff> {
    let mut parts = text.split(" >");
    let base = Tariff::new(rates(parts.next()?)?);
    parts.try_fold(base, |tariff, part| {
        let (tokens, text) = part.split_once(' ')?;
        Some(tariff.with_above(tokens.parse().ok()?, rates(text)?))
    })
}

/// Words and prices by turns.
fn rates(text: &str) -> Option<Prices> {
    let words: Vec<&str> = text.split(' ').collect();
    let (pairs, rest) = words.as_chunks::<2>();
    let mut by_word = BTreeMap::new();
    for [word, dollars] in pairs {
        by_word.insert(*word, micro_usd(dollars)?);
    }
    let prices = Prices::new(by_word.remove("in")?, by_word.remove("out")?);
    let prices = by_word.remove("cached").map_or(prices, |cached| prices.with_cached(cached));
    let prices = by_word.remove("write").map_or(prices, |write| prices.with_cache_write(write));
    (rest.is_empty() && by_word.is_empty()).then_some(prices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_all_that_it_says() {
        let line = "lab\ttiny\t128000\t4096\ttools !images\tin 3 cached 0.3 write 3.75 out 15 \
                    >200000 in 6 out 22.5; 2026-03-13 in 0.05 out 0";
        let dollars = |dollars: f64| micro_usd(&dollars.to_string()).unwrap();
        let base = Prices::new(dollars(3.0), dollars(15.0))
            .with_cached(dollars(0.3))
            .with_cache_write(dollars(3.75));
        let first = Tariff::new(base).with_above(200_000, Prices::new(6_000_000, 22_500_000));
        let change = Timestamp::from_micros(1_773_360_000_000_000);
        let list = PriceList::new(first).with_since(change, Prices::new(50_000, 0));
        assert_eq!(
            read(line),
            Some(Model {
                provider: "lab",
                name: "tiny",
                context_tokens: Some(128_000),
                output_tokens: Some(4_096),
                abilities: [(Ability::Tools, true), (Ability::Images, false)].into(),
                prices: Some(list),
            })
        );
        let nothing = read("lab\ttiny\t\t\t\t").unwrap();
        assert_eq!((nothing.context_tokens, nothing.output_tokens), (None, None));
        assert_eq!((nothing.can(Ability::Tools), nothing.prices), (None, None));
    }

    #[test]
    fn a_line_that_says_something_else_is_none() {
        for line in [
            "",
            "lab\ttiny\t1\t1\ttools",
            "\ttiny\t1\t1\ttools\tin 1 out 1",
            "lab\t\t1\t1\ttools\tin 1 out 1",
            "lab\ttiny\t-1\t1\ttools\tin 1 out 1",
            "lab\ttiny\t1\t1\tflies\tin 1 out 1",
            "lab\ttiny\t1\t1\ttools\tin 1",
            "lab\ttiny\t1\t1\ttools\tin 1 out",
            "lab\ttiny\t1\t1\ttools\tin 1 out 1 thought 2",
            "lab\ttiny\t1\t1\ttools\tin 1 out -1",
            "lab\ttiny\t1\t1\ttools\tin 1 out 1 >x in 1 out 1",
            "lab\ttiny\t1\t1\ttools\tin 1 out 1; in 2 out 2",
            "lab\ttiny\t1\t1\ttools\tin 1 out 1; 2026-02-30 in 2 out 2",
            "lab\ttiny\t1\t1\ttools\tin 1 out 1\t",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
