//! Bringing one branch into another.
//!
//! - [`Merge`] says what to merge and how: `.await` it, or [`plan`](Merge::plan) it first.
//! - [`MergePlan`] says what a merge would do, and does just that when it is applied.
//! - [`CherryPick`] brings single turn groups.
//! - `run` reads both branches, lets the [core](branchwork_core::merge) plan, and commits one step.
//! - `summary` lets a model tell of a branch.

mod builder;
mod pick;
mod plan;
mod run;
mod summary;

use branchwork_core::id::{MessageId, OpId};

#[doc(inline)]
pub use branchwork_core::merge::{ConflictOn, MergeConflict, MergePolicy};

pub use self::{
    builder::{Merge, MergeFrom},
    pick::{CherryPick, CherryPickFrom},
    plan::MergePlan,
};

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Merged {
    /// The messages that came to the target, in order.
    pub added: Vec<MessageId>,
    /// The messages of the source that the target knew already, as they were first said.
    pub skipped: Vec<MessageId>,
    /// What the branches did not agree on, and whose was taken.
    pub conflicts: Vec<MergeConflict>,
    /// Where the target is.
    pub head: Option<OpId>,
}
