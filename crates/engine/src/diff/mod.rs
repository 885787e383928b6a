//! What two branches have and did since they were one.
//!
//! - [`Diff`] is all of it, [`Side`] one branch of it; [`Session::diff`](crate::Session::diff) makes them.
//! - [`Pair`] is two answers in the same place, [`Words`] how they differ.
//! - `text` says it to people.

mod pairs;
mod read;
mod text;
mod words;

use branchwork_core::id::{BranchId, OpId};

#[doc(inline)]
pub use branchwork_core::diff::{Delta, Edit, EditKind, SettingChange, ToolsChange};

pub use self::{
    pairs::{Pair, Unit},
    text::Line,
    words::{Mark, Words},
};
use crate::usage::Totals;

/// What two branches have and did since they were one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Diff {
    /// The newest op that both have; `None` when they share nothing.
    pub ancestor: Option<OpId>,
    /// How many messages stood there.
    pub shared: usize,
    /// The one branch.
    pub left: Side,
    /// The other one.
    pub right: Side,
}

/// One branch of a diff.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Side {
    /// The branch.
    pub branch: BranchId,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub head: Option<OpId>,
    /// What is new on it.
    pub delta: Delta,
    /// The calls of models whose answers lie on its way since: what they used and cost.
    pub usage: Totals,
}
