//! What a server answers, read into our events.
//!
//! [`Decoder`] is pure: frames in, events out, the same for a stream and for a whole body. What an item
//! is when it is done is what is kept of it; text that came in pieces before is not told again.

mod decoder;
mod event;
mod item;
mod items;
#[cfg(test)]
mod tests;

pub(super) use self::decoder::Decoder;
