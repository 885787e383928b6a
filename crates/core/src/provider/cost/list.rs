//! The tariffs of a model.

use std::collections::BTreeMap;

use super::{Prices, Tariff};
use crate::clock::Timestamp;

/// What a model costs over time: tariffs, each from when it began to hold until the next one does.
///
/// ```
/// use branchwork_core::{
///     clock::Timestamp,
///     provider::{PriceList, Prices},
/// };
///
/// let change = Timestamp::from_micros(1_760_000_000_000_000);
/// let list = PriceList::new(Prices::new(10_000_000, 40_000_000))
///     .with_since(change, Prices::new(2_000_000, 8_000_000));
/// let before = Timestamp::from_micros(change.as_micros() - 1);
/// assert_eq!(list.at(before).unwrap().base().input, 10_000_000);
/// assert_eq!(list.at(change).unwrap().base().input, 2_000_000);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceList {
    // `None` comes before every time.
    tariffs: BTreeMap<Option<Timestamp>, Tariff>,
}

impl PriceList {
    /// One tariff, from ever on. `PriceList::default()` is a list without any.
    pub fn new(tariff: impl Into<Tariff>) -> Self {
        Self { tariffs: [(None, tariff.into())].into() }
    }

    /// Lets `tariff` hold from `time` on, until a later one does.
    #[must_use]
    pub fn with_since(mut self, time: Timestamp, tariff: impl Into<Tariff>) -> Self {
        self.tariffs.insert(Some(time), tariff.into());
        self
    }

    /// The tariff that holds at `time`; `None` when the first one begins later.
    pub fn at(&self, time: Timestamp) -> Option<&Tariff> {
        self.tariffs.range(..=Some(time)).next_back().map(|(_, tariff)| tariff)
    }

    /// All of them, with when they began to hold, the first one first; `None` is from ever on.
    pub fn tariffs(&self) -> impl Iterator<Item = (Option<Timestamp>, &Tariff)> {
        self.tariffs.iter().map(|(time, tariff)| (*time, tariff))
    }
}

impl From<Tariff> for PriceList {
    fn from(tariff: Tariff) -> Self {
        Self::new(tariff)
    }
}

impl From<Prices> for PriceList {
    fn from(prices: Prices) -> Self {
        Self::new(prices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tariff_of_a_time_is_the_last_that_began() {
        let (tariff, time) = (|input| Tariff::new(Prices::new(input, 0)), Timestamp::from_micros);
        let dated =
            PriceList::default().with_since(time(20), tariff(2)).with_since(time(10), tariff(1));
        assert_eq!(dated.at(time(9)), None);
        assert_eq!(dated.at(time(10)), Some(&tariff(1)));
        assert_eq!(dated.at(time(20)), Some(&tariff(2)));
        let list = PriceList::new(tariff(0)).with_since(time(-5), tariff(1));
        assert_eq!(list.at(time(i64::MIN)), Some(&tariff(0)));
        assert_eq!(list.at(time(0)), Some(&tariff(1)));
        let began: Vec<_> = list.tariffs().map(|(began, _)| began).collect();
        assert_eq!(began, [None, Some(time(-5))]);
    }
}
