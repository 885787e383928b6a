//! Our request, in the bytes of the protocol.
//!
//! Rendering is pure and the same for the same request: no clock, no identifier of ours, nothing random.
//! `messages` comes last but for what only they tell, so that the request of a longer conversation begins
//! with that of the shorter one and provider caches hit (invariant 10).

mod answer;
mod attachments;
mod block;
mod cache;
mod head;
mod instruction;
mod message;
mod names;
mod schema;
mod settings;
#[cfg(test)]
mod tests;
mod thinking;
mod tools;

pub(super) use self::{
    cache::FORKS_MAX,
    head::head,
    message::{message, tail},
};
