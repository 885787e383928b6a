//! A provider whose answers the test wrote.
//!
//! - [`Script`] is one answer: events, errors, and places where it waits for the test.
//! - [`Gate`] is such a place: the test learns that it was reached, and lets the answer go on.
//! - [`ScriptedProvider`] gives scripts in order, and keeps every request it got.

mod check;
mod gate;
mod script;
mod scripted;

pub use self::{gate::Gate, script::Script, scripted::ScriptedProvider};
