//! How one branch is brought into another. Pure: two views in, a [`Plan`] out, which writes one step.
//!
//! What is new on the other branch since both were the same comes behind what is there, as copies that
//! know where they were first said. So merging again brings only what is new, and the target's own messages
//! stay as they are.
//!
//! - [`Sides`] are the two views, [`MergeWay`] says how, [`MergePolicy`] who is right.
//! - [`Plan`] is what will be written: `theirs` are the messages to bring, `copies` what they are here.
//! - `interleave` lays them among ours, by the time of the `units`.
//! - [`MergeConflict`] is one thing that both sides do not agree on; `find` finds them.

mod conflict;
mod copies;
mod find;
mod interleave;
mod plan;
mod theirs;
mod units;

pub use self::{
    conflict::{ConflictOn, MergeConflict, MergePolicy},
    plan::{MergeWay, Plan, Sides},
};
