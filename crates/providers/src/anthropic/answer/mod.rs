//! What a server answers, read into our events.
//!
//! [`Decoder`] is pure: frames in, events out, the same for a stream and for a whole body. An answer is a
//! list of blocks. Texts, thoughts and calls of our tools become events as they come; a block that the
//! server wants back unchanged is put together and told when it is whole.

mod blocks;
mod decoder;
mod event;
#[cfg(test)]
mod tests;
mod texts;
mod usage;

pub(super) use self::decoder::Decoder;
