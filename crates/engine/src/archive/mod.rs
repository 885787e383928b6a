//! The native archive: a whole session as lines of JSON, lossless, in an order that can be replayed.
//!
//! - [`Session::export`](crate::Session::export) writes one; [`Engine::import`](crate::Engine::import)
//!   reads one, as often as you like.
//! - `batch` writes what was read while more is read.
//! - `line` is the format, which `docs/reference/archive.md` tells.
//!
//! Neither holds more than a page of it in memory, but for the call log.

mod batch;
mod error;
mod line;
mod read;
mod write;

pub use self::{
    error::ArchiveError,
    read::{ImportOptions, Imported, Skipped},
    write::Exported,
};
