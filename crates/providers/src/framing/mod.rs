//! Streams cut into frames: bytes in, frames out. No I/O.

mod framer;
#[cfg(test)]
mod tests;

pub(crate) use self::framer::{Frame, Framer, Framing, is_stream};
