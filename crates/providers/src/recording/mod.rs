//! What goes over the wire, kept; and answered again from what was kept.
//!
//! - [`Exchange`] is one request and what came of it; a [`Recorder`] is told of each.
//! - [`FileRecorder`] keeps them in a file of JSON Lines, whose form `docs/reference/recording.md` tells.
//! - [`Cassette`] answers from such a file, in place of the network.
//! - `tap` gathers an exchange while it goes on, `redact` takes the keys out of it and `reread` finds those that
//!   a model spells; `line` is the form.

mod cassette;
mod exchange;
mod file;
mod line;
mod redact;
mod reread;
mod tap;

pub use self::{
    cassette::{Cassette, CassetteError},
    exchange::{Ended, Exchange, Piece, Recorder},
    file::FileRecorder,
};
pub(crate) use self::{redact::Redactor, reread::Reread, tap::Tap};
