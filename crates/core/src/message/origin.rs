//! Where a message comes from that was first said elsewhere.

use crate::id::{MailId, MessageId, OpId};

/// Where a message was first said, when it was brought to a branch from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// On another branch, which was merged.
    Merged {
        /// The message there.
        message: MessageId,
        /// The mail by which it had come there.
        mail: Option<MailId>,
    },
    /// In a mail.
    Mailed {
        /// The mail.
        mail: MailId,
        /// The message that was mailed; `None` when the mail was a text or data.
        message: Option<MessageId>,
    },
    /// By the op that folded others into it: it is a summary, and has the identifier of the first of them.
    Folded {
        /// The op.
        by: OpId,
    },
}

impl Origin {
    /// The message that was said first; `None` when there was none.
    pub fn message(&self) -> Option<MessageId> {
        match self {
            Self::Merged { message, .. } => Some(*message),
            Self::Mailed { message, .. } => *message,
            Self::Folded { by } => Some((*by).into()),
        }
    }

    /// The mail that brought it; `None` when none did.
    pub const fn mail(&self) -> Option<MailId> {
        match self {
            Self::Merged { mail, .. } => *mail,
            Self::Mailed { mail, .. } => Some(*mail),
            Self::Folded { .. } => None,
        }
    }
}
