//! Keys that a server repeats in its answers are taken out before anyone keeps them.
//!
//! Errors lose them where they are made. An answer is what a model said, and is left alone but for a whole
//! key that the server was asked with: it would be stored, exported and sent on. Log probabilities behind a
//! key are left out, as they spell it token by token.

mod events;
mod heard;
mod keys;
mod public;
#[cfg(test)]
mod tests;

pub(crate) use self::{keys::Mask, public::is_public};
