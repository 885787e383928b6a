//! What Gemini answers, read into our events.
//!
//! [`Decoder`] is pure: frames in, events out, the same for a stream and for a whole body.

mod chunk;
mod decoder;
mod finish;
mod sources;
mod speech;
#[cfg(test)]
mod tests;
mod voice;

pub(super) use self::decoder::Decoder;
