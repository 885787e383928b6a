//! The call log: what was asked, what came of it, what it used.
//!
//! - [`Totals`] adds calls up; [`Usage`] is those of a branch, its own and inherited.
//! - [`UsageBy`] says what [`Engine::usage`](crate::Engine::usage) groups by.
//! - [`Savings`] says what the caches of providers saved.

mod log;
mod savings;
mod totals;

pub(crate) use self::log::request_of;
pub use self::{
    log::{Usage, UsageBy, UsageRow},
    savings::{Savings, SavingsRow},
    totals::Totals,
};
