//! What a store is asked about mail.

use std::collections::BTreeSet;

use super::{Delivery, MailPlace};
use crate::{
    id::{BranchId, MailId},
    limits,
};

/// Which deliveries of a session are meant. All of what is said must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailQuery {
    /// Those of this mail.
    pub mail: Option<MailId>,
    /// Those for this branch.
    pub recipient: Option<BranchId>,
    /// Those from this branch.
    pub sender: Option<BranchId>,
    /// Those that are in one of these places; empty is anywhere.
    pub places: BTreeSet<MailPlace>,
    /// Those behind this number.
    pub after: u64,
    /// At most this many, and never more than [`limits::READ_MAIL_MAX`].
    pub limit: usize,
}

impl Default for MailQuery {
    fn default() -> Self {
        Self {
            mail: None,
            recipient: None,
            sender: None,
            places: BTreeSet::new(),
            after: 0,
            limit: limits::READ_MAIL_MAX,
        }
    }
}

impl MailQuery {
    /// All of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those of `mail`.
    #[must_use]
    pub const fn of(mut self, mail: MailId) -> Self {
        self.mail = Some(mail);
        self
    }

    /// Only those for `recipient`.
    #[must_use]
    pub const fn to(mut self, recipient: BranchId) -> Self {
        self.recipient = Some(recipient);
        self
    }

    /// Only those from `sender`.
    #[must_use]
    pub const fn from(mut self, sender: BranchId) -> Self {
        self.sender = Some(sender);
        self
    }

    /// Those that are in `place`, beside those that are in others that were said.
    #[must_use]
    pub fn in_place(mut self, place: MailPlace) -> Self {
        self.places.insert(place);
        self
    }

    /// Only those behind the one of this number.
    #[must_use]
    pub const fn after(mut self, no: u64) -> Self {
        self.after = no;
        self
    }

    /// At most `limit` of them.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Whether it means `delivery`, wherever the count is.
    pub fn selects(&self, delivery: &Delivery) -> bool {
        self.mail.is_none_or(|mail| mail == delivery.mail.id)
            && self.recipient.is_none_or(|recipient| recipient == delivery.recipient)
            && self.sender.is_none_or(|sender| sender == delivery.mail.sender)
            && (self.places.is_empty() || self.places.contains(&delivery.state.place()))
            && delivery.no > self.after
    }
}
