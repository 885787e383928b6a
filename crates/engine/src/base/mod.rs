//! What every branch can do: read, append, revise, configure, tools.
//!
//! - [`BaseBranch`] is the trait; [`Branch`](crate::Branch) is the local one.
//! - [`Description`] is what a branch says of itself, [`ChatMessage`] a message in plain words.

mod branch;
mod describe;
mod local;
mod markdown;

pub use self::{
    branch::{BaseBranch, Clear, Extended, ORIGIN, Revision},
    describe::{ChatMessage, Description, Senders},
};
