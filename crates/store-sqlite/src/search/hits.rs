//! The hits that are kept while more are looked for.

use std::{cmp::Reverse, collections::BTreeMap};

use branchwork_core::{
    id::{SessionId, StretchId},
    store::Hit,
};

/// The newest hits, in the order in which they are given: newest first, then by place.
pub(super) struct Hits {
    limit: usize,
    newest: BTreeMap<(Reverse<i64>, SessionId, StretchId, u32), Hit>,
}

impl Hits {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, newest: BTreeMap::new() }
    }

    /// Whether a message of that time could be among them.
    pub(super) fn wants(&self, at: i64) -> bool {
        let oldest = self.newest.last_key_value().map(|((Reverse(oldest), ..), _)| *oldest);
        self.newest.len() < self.limit || oldest.is_none_or(|oldest| at >= oldest)
    }

    pub(super) fn add(&mut self, stretch: StretchId, hit: Hit) {
        let place = hit.message.op().place();
        self.newest.insert((Reverse(hit.at.as_micros()), hit.session, stretch, place), hit);
        if self.newest.len() > self.limit {
            self.newest.pop_last();
        }
    }

    pub(super) fn into_vec(self) -> Vec<Hit> {
        self.newest.into_values().collect()
    }
}
