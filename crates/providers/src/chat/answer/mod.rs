//! What a server answers, read into our events.
//!
//! [`Decoder`] is pure: frames in, events out, the same for a stream and for a whole body.

mod calls;
mod chunk;
mod decoder;
mod kept;
mod object;
#[cfg(test)]
mod tests;
mod voice;
mod wire;

pub(super) use self::decoder::Decoder;
