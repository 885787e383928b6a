//! Replaying what was logged, offline: nothing is sent, no tool runs, and the source is not written to.
//!
//! - [`Tape`] is what was asked and answered; [`Session::tape`](crate::Session::tape) reads it.
//! - [`ReplayProvider`] answers a program from it.
//! - [`Replay`] lets the engine have a branch again, and compares; [`Branch::replay`](crate::Branch::replay)
//!   begins one, [`Replayed`] is what came of it.
//! - [`Drift`] is one thing that differs, [`Difference`] and [`Place`] say in what.
//! - `said` says an answer again, with the `siblings` that came with it; `acts` takes a history apart; `walk` has its
//!   turns again on a `stage`, where `prompter` answers for models and tools.

mod acts;
mod branch;
mod difference;
mod drift;
mod prompter;
mod provider;
mod said;
mod siblings;
mod source;
mod stage;
mod tape;
mod walk;

pub use self::{
    branch::{Copied, Replay, Replayed},
    difference::{Difference, Place},
    drift::{Drift, Mode},
    provider::ReplayProvider,
    tape::Tape,
};
