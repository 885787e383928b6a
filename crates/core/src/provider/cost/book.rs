//! Which models' prices are known.

use std::collections::BTreeMap;

use super::{PriceList, Tariff};
use crate::clock::Timestamp;

/// A table of price lists that lives as long as the program: what a model of a provider costs, when it is
/// known.
pub type PriceTable = fn(provider: &str, model: &str) -> Option<&'static PriceList>;

/// What models cost, by provider and model: lists of one's own, and a table for all others.
///
/// ```
/// use branchwork_core::provider::{PriceBook, Prices};
///
/// let book = PriceBook::new().with("openai", "gpt-4o", Prices::new(2_500_000, 10_000_000));
/// assert!(book.find("openai", "gpt-4o-2024-08-06").is_some(), "a snapshot of it");
/// assert!(book.find("openai", "gpt-4o-mini").is_none(), "another model");
/// ```
#[derive(Debug, Clone, Default)]
pub struct PriceBook {
    own: BTreeMap<String, BTreeMap<String, PriceList>>,
    table: Option<PriceTable>,
}

impl PriceBook {
    /// A book that knows no prices.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks `table` for what the book does not say itself.
    #[must_use]
    pub fn with_table(mut self, table: PriceTable) -> Self {
        self.table = Some(table);
        self
    }

    /// Lets `model` of `provider` cost `list`, whatever the table says.
    #[must_use]
    pub fn with(
        mut self,
        provider: impl Into<String>,
        model: impl Into<String>,
        list: impl Into<PriceList>,
    ) -> Self {
        self.own.entry(provider.into()).or_default().insert(model.into(), list.into());
        self
    }

    /// The prices of a model: those under its name, else those under its name [without the
    /// date](undated), of the book's own first. `None` when they are not known.
    pub fn find(&self, provider: &str, model: &str) -> Option<&PriceList> {
        let own = self.own.get(provider).and_then(|lists| {
            lists.get(model).or_else(|| undated(model).and_then(|base| lists.get(base)))
        });
        own.or_else(|| self.table?(provider, model))
    }

    /// What a call of `provider` cost that was made at `time`: the tariff of the model that was `asked` for,
    /// where its prices are known, else that of the model that `answered`, where it said its name.
    ///
    /// ```
    /// use branchwork_core::{
    ///     clock::Timestamp,
    ///     provider::{PriceBook, Prices},
    /// };
    ///
    /// let book = PriceBook::new().with("lab", "tiny-2", Prices::new(1, 2));
    /// let now = Timestamp::default();
    /// assert!(book.tariff("lab", "tiny", Some("tiny-2"), now).is_some());
    /// assert!(book.tariff("lab", "tiny", None, now).is_none());
    /// ```
    pub fn tariff(
        &self,
        provider: &str,
        asked: &str,
        answered: Option<&str>,
        time: Timestamp,
    ) -> Option<&Tariff> {
        let list = self.find(provider, asked);
        list.or_else(|| self.find(provider, answered?))?.at(time)
    }
}

/// The name of a model without the date at its end: `gpt-4o-2024-08-06` is `gpt-4o` as it was that day,
/// `claude-sonnet-4-5-20250929` is `claude-sonnet-4-5`. `None` when it ends with no date.
///
/// ```
/// use branchwork_core::provider::undated;
///
/// assert_eq!(undated("gpt-4o-2024-08-06"), Some("gpt-4o"));
/// assert_eq!(undated("gpt-4o-mini"), None);
/// ```
pub fn undated(model: &str) -> Option<&str> {
    let (base, last) = model.rsplit_once(['-', '@'])?;
    let base = if last.len() == 8 {
        let (year_and_month, day) = last.split_at_checked(6)?;
        let (year, month) = year_and_month.split_at_checked(4)?;
        is_date(year, month, day).then_some(base)?
    } else {
        let mut parts = model.rsplitn(4, '-');
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        is_date(year, month, day).then(|| parts.next())??
    };
    (!base.is_empty()).then_some(base)
}

/// Whether it is a day of this century, as far as names of models go.
fn is_date(year: &str, month: &str, day: &str) -> bool {
    let number = |text: &str, digits| {
        let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok()).flatten()
    };
    number(year, 4).is_some_and(|year| (2_000..2_100).contains(&year))
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::provider::Prices;

    fn table(provider: &str, model: &str) -> Option<&'static PriceList> {
        static LIST: LazyLock<PriceList> = LazyLock::new(|| Prices::new(9, 9).into());
        (provider == "lab" && model == "known").then_some(&LIST)
    }

    #[test]
    fn own_prices_come_before_the_table_and_unknown_stays_unknown() {
        let list = |input| PriceList::from(Prices::new(input, 0));
        let book = PriceBook::new().with_table(table);
        assert_eq!(book.find("lab", "known"), table("lab", "known"));
        assert_eq!(book.find("lab", "other"), None);
        assert_eq!(book.find("elsewhere", "known"), None);
        let book = book.with("lab", "known", list(1)).with("lab", "own-2026-01-02", list(2));
        let found = |model| book.find("lab", model);
        assert_eq!(found("known"), Some(&list(1)));
        assert_eq!(found("known-20260102"), Some(&list(1)));
        assert_eq!(found("own-2026-01-02"), Some(&list(2)));
        assert_eq!((found("own"), found("own-2026-01-03"), found("know")), (None, None, None));
        assert_eq!(PriceBook::new().find("lab", "known"), None);
    }

    #[test]
    fn the_model_that_was_asked_for_has_the_word_then_the_one_that_answered() {
        let time = Timestamp::from_micros;
        let later = PriceList::default().with_since(time(10), Prices::new(3, 0));
        let book = PriceBook::new()
            .with("lab", "asked", Prices::new(1, 0))
            .with("lab", "answered", Prices::new(2, 0))
            .with("lab", "later", later);
        let input = |asked: &str, answered, at| {
            book.tariff("lab", asked, answered, time(at)).map(|tariff| tariff.base().input)
        };
        assert_eq!(input("asked", Some("answered"), 0), Some(1));
        assert_eq!(input("other", Some("answered"), 0), Some(2));
        assert_eq!((input("other", None, 0), input("other", Some("else"), 0)), (None, None));
        assert_eq!((input("later", None, 9), input("later", None, 10)), (None, Some(3)));
        // It is known, and nobody knows what it cost then: that of another model says nothing.
        assert_eq!(input("later", Some("answered"), 9), None);
    }

    #[test]
    fn only_a_date_at_the_end_is_taken_off() {
        for (name, base) in [
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("claude-sonnet-4@20250514", "claude-sonnet-4"),
            ("a/b-2026-12-31", "a/b"),
        ] {
            assert_eq!(undated(name), Some(base), "{name}");
        }
        for name in [
            "gpt-4o",
            "",
            "-20250929",
            "-2025-09-29",
            "2025-09-29",
            "20250929",
            "grok-4-0709",
            "codestral-2508",
            "gpt-4-1106-preview",
            "m-2025-13-01",
            "m-2025-00-10",
            "m-20251132",
            "m-19991231",
            "m-2025-9-29",
            "m-202509-29",
            "m-20250929-v1",
            "m-2025092é",
            "m-12345678",
        ] {
            assert_eq!(undated(name), None, "{name}");
        }
    }
}
