//! How much is asked of a provider at once and in a minute, by all that ask it.
//!
//! Own code and not a crate for it: `governor` knows when one more may pass, but not whose turn it is. It lets
//! waiters race, counts by a clock of its own, and gives nothing back when an answer took less than was
//! set aside for it.

mod bucket;
mod limiter;
mod limits;
mod permit;
mod provider;

pub use self::{
    limiter::{InvalidLimit, Limiter},
    limits::Limits,
    provider::RateLimit,
};
