//! What a merge says of itself in the history.

use crate::id::{BranchId, MessageId, OpId};

/// How a merge brought another branch in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The branch that was merged.
    pub from: BranchId,
    /// Where it was.
    pub head: OpId,
    /// The newest op that both branches had; `None` when they had none.
    pub base: Option<OpId>,
    /// In which way.
    pub mode: MergeMode,
    /// The messages that a summary tells of instead of bringing them; as they were first said.
    pub told: Vec<MessageId>,
}

/// In which way a branch is brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MergeMode {
    /// What is new on it comes behind what is there.
    Append,
    /// What is new on both since they parted stands in the order of time.
    Interleave,
    /// A summary tells of what is new on it.
    Summary,
    /// Some turn groups of it come behind what is there.
    Pick,
}

impl MergeMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::Append, Self::Interleave, Self::Summary, Self::Pick];

    /// The lower-case name, as files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Interleave => "interleave",
            Self::Summary => "summary",
            Self::Pick => "pick",
        }
    }
}
