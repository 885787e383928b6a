//! How far an import is with a branch.

use branchwork_core::{graph::Op, id::OpId, store::BranchRecord};

use super::line::lost_name;

/// More moves than any branch has: all that an archive tells of one is known, or gone for good.
pub(super) const ALL_KNOWN: u64 = u64::MAX;

/// Where a branch is.
#[derive(Debug, Clone, Default)]
pub(super) struct Going {
    pub(super) head: Option<OpId>,
    /// The last op that the archive told of and that was known.
    pub(super) last: Option<Op>,
    /// How many moves the archive told of.
    pub(super) told: u64,
    /// How many moves it had before the import.
    pub(super) known: u64,
    /// It stands for a deleted one.
    pub(super) deleted: bool,
    pub(super) presence: Presence,
    /// The archive has begun to tell of it.
    pub(super) is_met: bool,
}

impl Going {
    /// A branch that was there before the import.
    pub(super) fn of(branch: &BranchRecord) -> Self {
        let is_left_over = branch.name == lost_name(branch.id);
        let presence = if is_left_over { Presence::LeftOver } else { Presence::There };
        Self { known: branch.revision, presence, ..Self::default() }
    }

    /// Whether it is in the store, and the archive has told so.
    pub(super) fn is_there(&self) -> bool {
        self.is_met && self.presence != Presence::Absent
    }
}

/// Whether a branch is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Presence {
    /// It is not, or it was deleted.
    #[default]
    Absent,
    /// It is.
    There,
    /// An import that was cut off made it, to stand for a deleted one.
    LeftOver,
}
