//! Our request, in the bytes of the protocol.
//!
//! Rendering is pure and the same for the same request: no clock and nothing random; of our identifiers a hash
//! of the first op of the history, which says where a cache is. `input` comes last, so that the request of a longer
//! conversation begins with that of the shorter one and provider caches hit (invariant 10).

mod answer;
mod body;
mod call;
mod content;
mod hosted;
mod message;
mod parameters;
#[cfg(test)]
mod tests;
mod thought;
mod tools;

pub(super) use self::{body::head, message::message, thought::is_sealed};
