//! The native archive: a whole session as lines of JSON, lossless, in an order that can be replayed.
//!
//! - [`Session::export`](crate::Session::export) writes one; [`Engine::import`](crate::Engine::import)
//!   reads one, as often as you like.
//! - `import` is how one is read and what came of it; `lines` reads it line by line, `read` does what each
//!   tells, and `going` is how far it is with a branch.
//! - `batch` writes the ops that were read while more is read, `post` the mail; `steps` is how a mail comes
//!   to where it was.
//! - `stretches` knows where the ops that were read lie.
//! - `tell_lost` writes what branches appended that are gone.
//! - `tell_mail` and `take_mail` write and read the mail of a session.
//! - `line` and `mail_line` are the format, which `docs/reference/archive.md` tells.
//!
//! Neither holds more than a page of it in memory, but for the call log and where each stretch ends.

mod batch;
mod error;
mod going;
mod import;
mod line;
mod lines;
mod mail_line;
mod post;
mod read;
mod steps;
mod stretches;
mod take_mail;
mod tell_lost;
mod tell_mail;
mod write;

pub use self::{
    error::ArchiveError,
    import::{ImportOptions, Imported, Skipped},
    write::Exported,
};
