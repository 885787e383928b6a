//! What of a view other branches have too, for the caches of providers.

use super::View;
use crate::provider::CacheHints;

/// Places of one view that providers are told of, the last ones: none takes more.
const SHARED_MAX: usize = 3;

impl View {
    /// What a provider with a prompt cache should know of a request that shows all messages.
    ///
    /// It follows from the history alone, so that the request can be made again from it. The places are
    /// those at which this branch left the ops of another one, or of an earlier way of its own; the key is
    /// that of the root, which all forks have in common. Costs a look at what came since the first of the
    /// places.
    pub fn cache_hints(&self) -> CacheHints {
        let ends =
            self.lineage.segments().rev().skip(1).map(|segment| segment.start + segment.length);
        let mut shared: Vec<_> = ends
            .take(SHARED_MAX)
            .map(|depth| {
                self.len() - self.since(depth).filter_map(|index| self.standing_at(index)).count()
            })
            .filter(|count| *count > 0)
            .collect();
        shared.reverse();
        shared.dedup();
        CacheHints { key: self.lineage.op_at(1).map(|root| key(root.stretch().to_bits())), shared }
    }
}

/// A key that tells roots apart and is not their identifier: FNV-1a of it.
fn key(root: u128) -> String {
    let hash = root.to_be_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("branchwork-{hash:016x}")
}
