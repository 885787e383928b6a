//! What a server answers, read into our events.
//!
//! [`Decoder`] is pure: frames in, events out, the same for a stream and for a whole body.
//! [`events`] and [`whole`] read the response and drive it.

mod calls;
mod chunk;
mod decoder;
mod loose;
mod reading;
#[cfg(test)]
mod tests;
mod wire;

pub(super) use self::{
    decoder::Decoder,
    reading::{body, events, whole},
};
