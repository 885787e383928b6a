//! Flows: procedures of several turns.
//!
//! - [`Compact`] lets a summary stand for what is old.
//! - [`FanOut`] asks many things at once, each on a fork of its own.
//! - [`React`] lets a model reason and act in turns.
//!
//! A chat with tools is a flow of its own: see [`Chat::with_tools`](crate::Chat::with_tools).

mod compact;
mod fan_out;
mod react;

pub use self::{
    compact::{Compact, Compacted},
    fan_out::{FanOut, FanOutItem},
    react::{React, ReactPrompts},
};
