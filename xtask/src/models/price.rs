//! Prices, and how they are written in the table.

use std::{collections::BTreeMap, fmt};

/// Millionths of a dollar in a dollar.
const MICRO: u64 = 1_000_000;

/// How far a number may be from a whole one that it stands for.
const ROUNDING: f64 = 1e-3;

/// What a million tokens cost, in millionths of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rates {
    pub(super) input: u64,
    pub(super) cached: Option<u64>,
    pub(super) cache_write: Option<u64>,
    pub(super) output: u64,
}

/// The rates of one time, by how many tokens a request reads more than; those above 0 are the ordinary ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tariff {
    pub(super) base: Rates,
    pub(super) above: BTreeMap<u64, Rates>,
}

/// Tariffs, by the day on which they began to hold; `None` is from ever on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prices(pub(super) BTreeMap<Option<String>, Tariff>);

impl Prices {
    /// The tariff that holds on `day`.
    pub(super) fn on(&self, day: &str) -> Option<&Tariff> {
        self.0.range(..=Some(day.to_owned())).next_back().map(|(_, tariff)| tariff)
    }
}

impl FromIterator<(Option<String>, Tariff)> for Prices {
    /// Tariffs that say what the one before says are left out.
    fn from_iter<T: IntoIterator<Item = (Option<String>, Tariff)>>(tariffs: T) -> Self {
        let mut all: Vec<_> = tariffs.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
        all.dedup_by(|(_, later), (_, earlier)| later == earlier);
        Self(all.into_iter().collect())
    }
}

impl From<Tariff> for Prices {
    fn from(tariff: Tariff) -> Self {
        Self([(None, tariff)].into())
    }
}

/// Millionths of a dollar: `micro` as a whole number. `None` when it is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both are checked")]
pub(super) fn whole(micro: f64) -> Option<u64> {
    let is_price = (0.0..1e15).contains(&micro) && (micro - micro.round()).abs() < ROUNDING;
    is_price.then(|| micro.round() as u64)
}

/// `micro` millionths of a dollar, in dollars.
fn dollars(micro: u64) -> String {
    let text = format!("{}.{:06}", micro / MICRO, micro % MICRO);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl fmt::Display for Rates {
    /// `in 3 cached 0.3 write 3.75 out 15`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in {}", dollars(self.input))?;
        if let Some(cached) = self.cached {
            write!(f, " cached {}", dollars(cached))?;
        }
        if let Some(cache_write) = self.cache_write {
            write!(f, " write {}", dollars(cache_write))?;
        }
        write!(f, " out {}", dollars(self.output))
    }
}

impl fmt::Display for Tariff {
    /// The ordinary rates, then each higher bound with its own: `in 3 out 15 >200000 in 6 out 22.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.base)?;
        self.above.iter().try_for_each(|(tokens, rates)| write!(f, " >{tokens} {rates}"))
    }
}

impl fmt::Display for Prices {
    /// Tariff after tariff: `in 10 out 40; 2025-06-10 in 2 out 8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (day, tariff)) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "; " };
            match day {
                Some(day) => write!(f, "{gap}{day} {tariff}")?,
                None => write!(f, "{gap}{tariff}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_written_without_what_is_not_known() {
        let plain =
            Rates { input: 10_000_000, cached: None, cache_write: None, output: 40_000_000 };
        let rates = Rates { input: 3_000_000, cached: Some(37_500), ..plain };
        let high = Rates { cache_write: Some(0), ..rates };
        let tariff = Tariff { base: rates, above: [(200_000, high)].into() };
        let mut prices = Prices::from(Tariff { base: plain, above: BTreeMap::new() });
        prices.0.insert(Some("2025-06-10".to_owned()), tariff.clone());
        let text = "in 10 out 40; 2025-06-10 in 3 cached 0.0375 out 40 \
                    >200000 in 3 cached 0.0375 write 0 out 40";
        assert_eq!(prices.to_string(), text);
        assert_eq!(prices.on("2025-06-10"), Some(&tariff));
        assert_eq!(prices.on("2025-06-09").unwrap().base, plain);
        let again = (Some("2025-06-11".to_owned()), tariff);
        assert_eq!(prices.0.clone().into_iter().chain([again]).collect::<Prices>(), prices);
    }

    #[test]
    fn only_whole_numbers_are_prices() {
        assert_eq!(whole(1.25e-6 * 1e12), Some(1_250_000));
        for none in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(whole(none), None, "{none}");
        }
    }
}
