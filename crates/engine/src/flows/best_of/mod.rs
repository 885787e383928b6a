//! Asking one thing several times, and letting the answers compete.
//!
//! - [`Tournament`] says what is asked, of whom and how often, and who judges.
//! - `play` asks, and lets the winners of each round meet in the next.
//! - `judge` decides a match: a function, or a model.
//! - [`BestOf`] is what came of it; its winner can be promoted.

mod judge;
mod outcome;
mod play;
mod tournament;

pub use self::{
    judge::{Side, Verdict},
    outcome::{BestOf, Candidate, Match},
    tournament::Tournament,
};
