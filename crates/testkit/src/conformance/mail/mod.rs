//! Mail: what is sent is read back, goes its way one step at a time, and is decided on once.

mod owners;
mod post;
mod reads;
mod refusals;
mod ways;

pub use self::{owners::*, reads::*, refusals::*, ways::*};
