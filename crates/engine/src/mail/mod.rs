//! Mail between the branches of a session: sent once, delivered once, never lost.
//!
//! - [`Letter`] is a mail that is being written: [`Branch::send`](crate::Branch::send),
//!   [`broadcast`](crate::Branch::broadcast), [`reply`](crate::Branch::reply).
//! - [`Addresses`] says which branches are meant, [`Contents`] what is sent.
//! - [`Receive`] takes in what waits: [`Branch::receive`](crate::Branch::receive); [`Received`] is what
//!   came of it, [`Receipt`] what is known of it later.
//! - `desk` is what can be done with the mail of a whole session; `inbox` with that of a branch.
//! - [`MailTools`] lets the models of branches write to each other.
//! - [`core::mail`](branchwork_core::mail) has the words: envelopes, packages, deliveries.
//!
//! What becomes of mail when its branches are forked, merged, moved or deleted is in
//! `docs/reference/mail.md`.

mod address;
mod contents;
mod desk;
mod effect;
mod inbox;
mod intake;
mod letter;
mod moves;
mod receipt;
mod receive;
mod tools;

#[doc(inline)]
pub use branchwork_core::mail::{
    Category, Delivery, Mail, MailPlace, MailQuery, MailState, Package, PackageError,
};

pub(crate) use self::moves::moves_between;
pub use self::{
    address::{Address, Addresses},
    contents::Contents,
    letter::Letter,
    receipt::Receipt,
    receive::{Left, LeftReason, Receive, Received, Taken},
    tools::MailTools,
};
