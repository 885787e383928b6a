//! Flows: procedures of several turns.
//!
//! - [`Compact`] lets a summary stand for what is old.
//! - [`Tournament`] asks one thing several times, and lets the answers compete.
//! - [`FanOut`] asks many things at once, each on a fork of its own.
//! - [`Flow`] names the steps of a procedure of your own, and does none of them twice.
//! - [`React`] lets a model reason and act in turns.
//!
//! A chat with tools is a flow of its own: see [`Chat::with_tools`](crate::Chat::with_tools).

mod asking;
mod best_of;
mod compact;
mod fan_out;
mod flow;
mod mark;
mod react;
mod warm;

pub(crate) use self::compact::ask as ask_for_summary;
pub use self::{
    best_of::{BestOf, Candidate, Match, Side, Tournament, Verdict},
    compact::{Compact, Compacted},
    fan_out::{FanOut, FanOutItem},
    flow::Flow,
    mark::FLOW_STEP_KEY,
    react::{React, ReactPrompts},
};
