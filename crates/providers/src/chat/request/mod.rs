//! Our request, in the bytes of the protocol.
//!
//! Rendering is pure and the same for the same request: no clock and nothing random; of our identifiers a hash
//! of the first op of the history, which says where a cache is. `messages` comes last, so that the request of a longer
//! conversation begins with that of the shorter one and provider caches hit (invariant 10).

mod body;
mod call_id;
mod parameters;
mod parts;
mod project;
#[cfg(test)]
mod tests;
mod thoughts;

pub(super) use self::{body::head, project::message};
