//! How much may be taken in a minute.

use std::time::Duration;

use tokio::time::Instant;

/// Nanoseconds in a minute. An amount of one is so many parts: then what comes back in a nanosecond is the
/// amount for a minute, in parts, and nothing is ever rounded.
const MINUTE_NANOS: i128 = 60_000_000_000;

/// What may be taken: at most the amount for a minute at once, and what was taken comes back evenly over the
/// minute. That is how providers count.
#[derive(Debug)]
pub(super) struct Bucket {
    /// The amount for a minute.
    amount: i128,
    /// What is there, in parts. Below nothing when more was used than was taken for it.
    parts: i128,
    /// When that was counted.
    counted: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn full(amount: u64, now: Instant) -> Self {
        let amount = i128::from(amount);
        Self { amount, parts: amount * MINUTE_NANOS, counted: now }
    }

    /// How long it is until `amount` can be taken; nothing when it can be now. What is more than the bucket
    /// holds can be taken when it is full.
    pub(super) fn wait(&mut self, amount: u64, now: Instant) -> Duration {
        self.count(now);
        let missing = i128::from(amount).min(self.amount) * MINUTE_NANOS - self.parts;
        if missing <= 0 {
            return Duration::ZERO;
        }
        let nanos = (missing + self.amount - 1) / self.amount;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Takes `amount`, whether it is there or not.
    pub(super) fn take(&mut self, amount: u64) {
        self.parts = self.parts.saturating_sub(i128::from(amount) * MINUTE_NANOS);
    }

    /// Counts what was `used` in place of what was `taken` for it.
    pub(super) fn settle(&mut self, taken: u64, used: u64, now: Instant) {
        self.count(now);
        let back = i128::from(taken) - i128::from(used);
        self.parts = self.parts.saturating_add(back * MINUTE_NANOS).min(self.brim());
    }

    /// Takes in what came back since.
    fn count(&mut self, now: Instant) {
        let nanos = now.saturating_duration_since(self.counted).as_nanos();
        let back = i128::try_from(nanos).unwrap_or(MINUTE_NANOS).saturating_mul(self.amount);
        self.parts = self.parts.saturating_add(back).min(self.brim());
        self.counted = self.counted.max(now);
    }

    const fn brim(&self) -> i128 {
        self.amount * MINUTE_NANOS
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn start() -> Instant {
        // The clock of the machine says when; only what is counted from there matters.
        Instant::now()
    }

    #[test]
    fn what_is_taken_comes_back_evenly_over_a_minute() {
        let now = start();
        let at = |seconds: u64| now + Duration::from_secs(seconds);
        let mut bucket = Bucket::full(60, now);
        assert_eq!(bucket.wait(60, now), Duration::ZERO);
        bucket.take(60);
        assert_eq!(bucket.wait(1, now), Duration::from_secs(1));
        assert_eq!(bucket.wait(10, at(4)), Duration::from_secs(6));
        assert_eq!(bucket.wait(10, at(10)), Duration::ZERO);
        // It holds no more than the amount for a minute, however long nobody comes.
        assert_eq!(bucket.wait(61, at(59)), Duration::from_secs(1), "as much as it holds");
        bucket.take(0);
        assert_eq!(bucket.wait(60, at(3_600)), Duration::ZERO);
        bucket.take(61);
        assert_eq!(bucket.wait(1, at(3_600)), Duration::from_secs(2), "one is owed");
        bucket.settle(1_000, 0, at(3_600));
        bucket.take(60);
        assert_eq!(bucket.wait(1, at(3_600)), Duration::from_secs(1), "no more than it holds");
        bucket.settle(60, 80, at(3_601));
        assert_eq!(bucket.wait(1, at(3_601)), Duration::from_secs(20), "more was used");
    }

    #[test]
    fn a_clock_that_goes_back_takes_nothing() {
        let now = start() + Duration::from_mins(1);
        let mut bucket = Bucket::full(60, now);
        bucket.take(60);
        assert_eq!(bucket.wait(1, now - Duration::from_secs(30)), Duration::from_secs(1));
        assert_eq!(bucket.wait(1, now), Duration::from_secs(1));
    }

    proptest! {
        /// Who waits as long as he is told takes no more, in any time, than the bucket held and got back.
        #[test]
        fn no_time_gives_more_than_it_should(
            amount in 1..10_000_u64,
            calls in vec((1..5_000_u64, 0..90_000_u64), 1..60),
        ) {
            let mut now = start();
            let mut bucket = Bucket::full(amount, now);
            let mut taken: Vec<(Instant, u64)> = Vec::new();
            for (wanted, pause) in calls {
                now += Duration::from_millis(pause);
                let wanted = wanted.min(amount);
                now += bucket.wait(wanted, now);
                prop_assert_eq!(bucket.wait(wanted, now), Duration::ZERO);
                bucket.take(wanted);
                taken.push((now, wanted));
            }
            for (index, (from, _)) in taken.iter().enumerate() {
                let mut sum = 0_u128;
                for (to, wanted) in &taken[index..] {
                    sum += u128::from(*wanted);
                    let back = to.duration_since(*from).as_nanos() * u128::from(amount);
                    let most = u128::from(amount) * 60_000_000_000 + back;
                    prop_assert!(sum * 60_000_000_000 <= most);
                }
            }
        }
    }
}
