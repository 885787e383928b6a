//! What Ollama answers, read into our events.
//!
//! [`Decoder`] is pure: frames in, events out, the same for a stream and for a whole body.

mod chunk;
mod decoder;
#[cfg(test)]
mod tests;

pub(super) use self::decoder::Decoder;
