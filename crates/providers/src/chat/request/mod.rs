//! Our request, in the bytes of the protocol.
//!
//! Rendering is pure and the same for the same request: no clock, no identifier of ours, nothing
//! random. `messages` comes last, so that the request of a longer conversation begins with that of
//! the shorter one and provider caches hit (invariant 10).

mod body;
mod call_id;
mod parameters;
mod parts;
mod project;
#[cfg(test)]
mod tests;
mod thoughts;

pub(super) use self::{body::head, project::message};
