//! Keys that a server repeats in its answers are taken out before anyone keeps them.
//!
//! Errors lose them where they are made. An answer is what a model said, and is left alone but for a whole
//! key that the server was asked with: it would be stored, exported and sent on.

mod events;
mod keys;
#[cfg(test)]
mod tests;

pub(crate) use self::keys::Mask;
