//! Writing: one thread owns the only connection that writes.
//!
//! - `thread` feeds it through a bounded queue and ends it.
//! - `batch` takes what waits into one transaction.
//! - `prepare` turns a commit into rows, on the caller's side.
//! - `commit` applies one commit: first `changes`, then the head moves, which `heads` checks and
//!   `moves` writes, then `mail`.
//! - `heirs`: what becomes of the mail of a branch that is deleted.

mod batch;
mod changes;
mod commit;
mod heads;
mod heirs;
mod mail;
mod moves;
mod prepare;
mod thread;

pub(crate) use self::{
    prepare::{body_hash, prepare},
    thread::{Writer, unavailable},
};
