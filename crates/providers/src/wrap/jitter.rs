//! Randomness for waits, so that callers that failed together do not come again together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Steps of the sequence: odd, so that every number comes once before one comes again.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Spreads waits. Clones go on in the same sequence; not for secrets.
#[derive(Debug, Clone)]
pub struct Jitter {
    state: Arc<AtomicU64>,
}

impl Jitter {
    /// The same waits whenever the seed is the same.
    pub fn seeded(seed: u64) -> Self {
        Self { state: Arc::new(AtomicU64::new(seed)) }
    }

    /// Other waits in each process: the seed is the operating system's.
    pub fn from_system() -> Self {
        // Where the system has none, waits are still spread within this process.
        Self::seeded(getrandom::u64().unwrap_or_default())
    }

    /// Some wait that is shorter than `bound`.
    pub(super) fn below(&self, bound: Duration) -> Duration {
        let share = u128::from(self.next());
        let nanos = bound.as_nanos().min(u128::from(u64::MAX));
        Duration::from_nanos(u64::try_from((nanos * share) >> 64).unwrap_or_default())
    }

    /// The next number of the sequence, by the generator `SplitMix64`.
    fn next(&self) -> u64 {
        let mut bits = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }
}

impl Default for Jitter {
    fn default() -> Self {
        Self::from_system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_generator() {
        // The first ones of the reference implementation for this seed.
        let jitter = Jitter::seeded(1_234_567);
        let numbers = [jitter.next(), jitter.next(), jitter.next()];
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn waits_are_spread_below_the_bound_and_the_seed_says_which() {
        let second = Duration::from_secs(1);
        let waits = |jitter: Jitter| (0..1_000).map(|_| jitter.below(second)).collect::<Vec<_>>();
        let some = waits(Jitter::seeded(7));
        assert!(some.iter().all(|wait| *wait < second));
        for quarter in 0..4 {
            let from = second * quarter / 4;
            let inside = some.iter().filter(|wait| (from..from + second / 4).contains(wait));
            assert!((200..300).contains(&inside.count()), "the quarter that begins at {from:?}");
        }
        assert_eq!(waits(Jitter::seeded(7)), some);
        assert_ne!(waits(Jitter::seeded(8)), some);
        assert_ne!(waits(Jitter::from_system()), waits(Jitter::from_system()));
        assert_eq!(Jitter::seeded(7).below(Duration::ZERO), Duration::ZERO);
    }
}
