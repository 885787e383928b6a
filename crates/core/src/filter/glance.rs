//! What can be told of a message without a look at it.

use super::Filter;
use crate::message::{BodyKind, Message};

/// What a view knows of a message beside where it is: enough to pass over most of those that a filter
/// does not want, without fetching them from memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glance {
    kind: BodyKind,
    /// See [`mark`].
    sender: u32,
}

/// What a glance tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The message is selected.
    Yes,
    /// It is not.
    No,
    /// Only a look at it can tell.
    Look,
}

impl Glance {
    pub(crate) fn of(message: &Message) -> Self {
        Self { kind: message.body.kind(), sender: mark(&message.sender) }
    }
}

impl Filter {
    /// What can be said of a message by `glance` alone. An edit changes neither its kind nor who it
    /// is from.
    pub(crate) fn judge(&self, glance: Glance) -> Verdict {
        let is_wanted = (self.kinds.is_empty() || self.kinds.contains(&glance.kind))
            && (self.roles.is_empty() || self.roles.contains(&glance.kind.role()))
            && (self.senders.is_empty() || self.sender_marks.contains(&glance.sender));
        if !is_wanted {
            return Verdict::No;
        }
        // Two senders may have one mark.
        if self.senders.is_empty() && self.looks_no_further() {
            Verdict::Yes
        } else {
            Verdict::Look
        }
    }
}

/// A number that equal names share, and few others: FNV-1a of 32 bits, by Fowler, Noll and Vo.
pub(super) fn mark(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |mark, byte| (mark ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
