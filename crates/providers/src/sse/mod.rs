//! Server-sent events: a stream of bytes in, events out. No I/O.

mod framer;
#[cfg(test)]
mod tests;

pub(crate) use self::framer::{Frame, Framer};
