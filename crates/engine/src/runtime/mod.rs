//! What the pure core is handed: the time, identifiers, and a place for work that was dropped.

mod clock;
mod ids;
mod tasks;

pub(crate) use self::tasks::Tasks;
pub use self::{clock::SystemClock, ids::RandomIds};
