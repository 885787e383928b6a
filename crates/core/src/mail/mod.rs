//! Mail: what the branches of a session send each other.
//!
//! - [`Mail`] is an envelope: who sends which [`Package`], since when, for how long.
//! - [`Category`] is the kind of a package, by which a recipient decides what to take.
//! - [`Delivery`] is the way of one mail to one of its recipients; [`MailState`] is how far it is.
//! - [`MailChange`] is what a commit does to mail.
//! - [`MailQuery`] is what a store is asked.

mod change;
mod delivery;
mod package;
mod query;

use std::fmt;

pub use self::{
    change::{BadMailChange, MailChange},
    delivery::{Delivery, MailPlace, MailState},
    package::{Category, Package, PackageError},
    query::MailQuery,
};
use crate::{
    clock::Timestamp,
    id::{BranchId, MailId},
};

/// An envelope. It never changes; what happens to it is in its [deliveries](Delivery).
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// Its identifier.
    pub id: MailId,
    /// The branch that sends it.
    pub sender: BranchId,
    /// What is in it.
    pub package: Package,
    /// The mail it answers.
    pub reply_to: Option<MailId>,
    /// When it was sent.
    pub sent: Timestamp,
    /// When nobody can take it in any more; `None` is never.
    pub expires: Option<Timestamp>,
}

impl Mail {
    /// Whether its time is over at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id, self.package.category())
    }
}
