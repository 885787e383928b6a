//! The history of a session: ops that form a graph by parent link alone, and the views over it.
//!
//! - [`Op`] is one entry of the graph, [`OpKind`] what it does.
//! - [`Lineage`] says which stretches lead from the root to an op.
//! - [`View`] is the fold of those ops: the conversation as it now stands. Views share structure.
//! - [`StepWriter`] writes the ops of one step behind a view, and keeps every history legal.
//! - [`Tail`] is the fold from the head backwards, for reading the last page of a long branch.

mod done;
mod lineage;
mod merge;
mod op;
mod select;
mod step;
mod tail;
mod view;

pub use self::{
    done::StepResult,
    lineage::{Lineage, Segment},
    merge::{Merge, MergeMode},
    op::{Approval, CallResult, Op, OpKind, Step},
    select::Counts,
    step::{Extent, StepWriter},
    tail::Tail,
    view::{ApplyError, RollbackError, View},
};
pub(crate) use self::{op::SUMMARY_SENDER, select::in_groups};
