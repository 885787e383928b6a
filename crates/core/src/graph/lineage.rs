//! Lineages: which stretches lead from the root to an op.

use rpds::VectorSync;

use crate::id::{OpId, StretchId};

/// A run of ops of one stretch, from its place 0, on the way from the root to an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The stretch.
    pub stretch: StretchId,
    /// How many ops come before it on the way.
    pub start: u32,
    /// How many ops of the stretch lie on the way. Never 0.
    pub length: u32,
}

impl Segment {
    /// How many ops come up to its end on the way.
    const fn end(self) -> u32 {
        self.start + self.length
    }
}

/// The way from the root to an op, as segments. Clones share structure.
///
/// The *depth* of an op is how many ops the way to it holds, itself included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lineage {
    segments: VectorSync<Segment>,
}

impl Lineage {
    /// The way to nowhere.
    pub fn empty() -> Self {
        Self { segments: VectorSync::new_sync() }
    }

    /// The way made of `runs`: stretches from the root on, each with the number of its ops.
    pub fn from_runs(runs: impl IntoIterator<Item = (StretchId, u32)>) -> Self {
        let mut lineage = Self::empty();
        for (stretch, length) in runs {
            let start = lineage.depth();
            lineage.segments.push_back_mut(Segment { stretch, start, length });
        }
        lineage
    }

    /// How many ops it holds.
    pub fn depth(&self) -> u32 {
        self.segments.last().map_or(0, |segment| segment.end())
    }

    /// The last op; `None` when it is empty.
    pub fn head(&self) -> Option<OpId> {
        self.op_at(self.depth())
    }

    /// Its segments, from the root on.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = Segment> + ExactSizeIterator + '_ {
        self.segments.iter().copied()
    }

    /// The depth of `op`; `None` when it is not on the way.
    ///
    /// Costs a look at each segment: one per fork or rewind that the branch went through.
    pub fn depth_of(&self, op: OpId) -> Option<u32> {
        let stretch = op.stretch();
        self.segments
            .iter()
            .rev()
            .find(|segment| segment.stretch == stretch)
            .filter(|segment| op.place() < segment.length)
            .map(|segment| segment.start + op.place() + 1)
    }

    /// The op at `depth`; `None` for depth 0 and beyond the end. O(log segments).
    pub fn op_at(&self, depth: u32) -> Option<OpId> {
        if depth == 0 || depth > self.depth() {
            return None;
        }
        let index = partition(self.segments.len(), |index| {
            self.segments.get(index).is_some_and(|segment| segment.end() < depth)
        });
        let segment = self.segments.get(index)?;
        Some(segment.stretch.op(depth - segment.start - 1))
    }

    /// How many ops it shares with `other`, from the root on. Costs a look at each segment of one.
    pub fn shared_with(&self, other: &Self) -> u32 {
        let mut shared = 0;
        for (left, right) in self.segments().zip(other.segments()) {
            if left.stretch != right.stretch {
                break;
            }
            shared = left.start + left.length.min(right.length);
            if left.length != right.length {
                break;
            }
        }
        shared
    }

    /// Adds `op` at the end. The caller has checked that it builds on the head.
    pub(super) fn push(&mut self, op: OpId) {
        let start = self.depth();
        let stretch = op.stretch();
        match self.segments.last().copied() {
            Some(last) if last.stretch == stretch => {
                let last = Segment { length: last.length + 1, ..last };
                self.segments.set_mut(self.segments.len() - 1, last);
            }
            _ => self.segments.push_back_mut(Segment { stretch, start, length: 1 }),
        }
    }

    /// Cuts it off after `depth` ops.
    pub(super) fn truncate(&mut self, depth: u32) {
        while let Some(last) = self.segments.last().copied() {
            if last.start >= depth {
                self.segments.drop_last_mut();
                continue;
            }
            if last.end() > depth {
                let last = Segment { length: depth - last.start, ..last };
                self.segments.set_mut(self.segments.len() - 1, last);
            }
            return;
        }
    }
}

/// The first index in `0..length` at which `before` no longer holds. `before` holds up to a point.
pub(super) fn partition(length: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(number: u128) -> StretchId {
        StretchId::from_bits(number << 32)
    }

    #[test]
    fn depths_and_ops_are_each_others_inverse() {
        let lineage = Lineage::from_runs([(stretch(1), 3), (stretch(2), 1), (stretch(3), 4)]);
        assert_eq!(lineage.depth(), 8);
        for depth in 1..=8 {
            let op = lineage.op_at(depth).expect("the depth is on the way");
            assert_eq!(lineage.depth_of(op), Some(depth));
        }
        assert_eq!((lineage.op_at(0), lineage.op_at(9)), (None, None));
        assert_eq!(lineage.depth_of(stretch(1).op(3)), None);
        assert_eq!(lineage.depth_of(stretch(9).op(0)), None);
    }

    #[test]
    fn what_two_ways_share_ends_where_they_part() {
        let way = |runs: &[(u128, u32)]| {
            Lineage::from_runs(runs.iter().map(|(number, length)| (stretch(*number), *length)))
        };
        let main = way(&[(1, 3), (2, 2)]);
        for (other, shared) in [
            (way(&[(1, 3), (2, 2)]), 5),
            (way(&[(1, 3), (2, 1)]), 4),
            (way(&[(1, 3), (3, 2)]), 3),
            (way(&[(1, 2), (2, 2)]), 2),
            (way(&[(4, 3)]), 0),
            (Lineage::empty(), 0),
        ] {
            assert_eq!((main.shared_with(&other), other.shared_with(&main)), (shared, shared));
        }
    }

    #[test]
    fn cutting_and_growing_again_is_the_same_as_never_having_grown() {
        let mut lineage = Lineage::from_runs([(stretch(1), 3), (stretch(2), 2)]);
        lineage.truncate(2);
        assert_eq!(lineage, Lineage::from_runs([(stretch(1), 2)]));
        lineage.push(stretch(4).op(0));
        lineage.push(stretch(4).op(1));
        assert_eq!(lineage, Lineage::from_runs([(stretch(1), 2), (stretch(4), 2)]));
        lineage.truncate(0);
        assert_eq!((lineage.head(), lineage.depth()), (None, 0));
    }
}
