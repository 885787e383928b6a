//! Searching the text of messages.
//!
//! - `index` keeps an index of what was appended. It is brought up to date when a search needs it,
//!   not when something is appended: appending costs what it costs without.
//! - `grams` says what an index knows of a text.
//! - `read` finds the `hits`: by the index, and by a `scan` of what is not in it.
//! - `range` is a run of ops that is searched or indexed.

mod grams;
mod hits;
mod index;
mod range;
mod read;
mod scan;

pub(crate) use self::{
    index::{clear, extend},
    read::{missing, read},
};
