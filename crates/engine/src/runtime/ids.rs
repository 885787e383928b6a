//! Random identifiers.

use std::sync::{Mutex, PoisonError};

use branchwork_core::id::IdSource;

/// How many identifiers one call of the operating system yields.
const BATCH: usize = 64;

/// Identifiers of 128 random bits from the operating system, fetched in batches.
#[derive(Debug, Default)]
pub struct RandomIds {
    // A std mutex: the section is a pop, and once in a while one system call.
    pool: Mutex<Vec<u128>>,
}

impl IdSource for RandomIds {
    /// # Panics
    ///
    /// When the operating system has no randomness: then nothing can be told apart safely.
    fn next_bits(&self) -> u128 {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bits) = pool.pop() {
            return bits;
        }
        let mut bytes = [0_u8; BATCH * 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        let (words, _) = bytes.as_chunks::<16>();
        pool.extend(words.iter().map(|word| u128::from_le_bytes(*word)));
        pool.pop().expect("the pool was just filled")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_are_alike() {
        let ids = RandomIds::default();
        let distinct: BTreeSet<_> = (0..10 * BATCH).map(|_| ids.next_bits()).collect();
        assert_eq!(distinct.len(), 10 * BATCH);
    }
}
