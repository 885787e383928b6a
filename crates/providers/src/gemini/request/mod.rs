//! Our request, in the bytes of the protocol.
//!
//! Rendering is pure and the same for the same request: no clock, nothing random. `systemInstruction` and
//! `contents` come last, so that the request of a longer conversation begins with that of the shorter
//! one (invariant 10).

mod answers;
mod contents;
mod head;
mod media;
mod messages;
mod names;
mod parts;
mod settings;
#[cfg(test)]
mod tests;
mod tools;

pub(super) use self::{contents::tail, head::head, messages::message};

/// What stands at the first call of an answer that Gemini did not sign: documented for histories that
/// were begun by other models.
pub(super) const SIGNATURE: &str = "skip_thought_signature_validator";
