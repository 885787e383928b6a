//! Our request, in the bytes of the protocol.
//!
//! Rendering is pure and the same for the same request: no clock, nothing random. `messages` comes last, so
//! that the request of a longer conversation begins with that of the shorter one (invariant 10).

mod body;
mod messages;
mod settings;
#[cfg(test)]
mod tests;

pub(super) use self::{body::head, messages::message};
