//! What a commit does to mail.

use std::sync::Arc;

use super::{Mail, MailState, PackageError};
use crate::{
    clock::Timestamp,
    id::{BranchId, MailId},
    twice::twice,
};

/// What a commit does to mail.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MailChange {
    /// A mail begins its way.
    Send {
        /// The envelope.
        mail: Arc<Mail>,
        /// Who it is for: each once, at least one.
        recipients: Vec<BranchId>,
        /// Whether it goes to the inboxes, and not to the outbox. It overtakes nothing: what the sender has
        /// on the way to a recipient goes to that inbox with it.
        at_once: bool,
    },
    /// One delivery goes on.
    Move {
        /// The mail.
        mail: MailId,
        /// The recipient.
        recipient: BranchId,
        /// The state that the writer saw.
        from: MailState,
        /// The new state.
        to: MailState,
        /// When.
        at: Timestamp,
    },
    /// What waits for one branch, or is a dead letter, goes to the inbox of another.
    Readdress {
        /// The mail.
        mail: MailId,
        /// Who it was for.
        from: BranchId,
        /// Who it is for now.
        to: BranchId,
        /// When.
        at: Timestamp,
    },
}

/// A change of mail that no store takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadMailChange {
    /// It is for nobody.
    #[error("mail {mail} is for nobody")]
    NoRecipient {
        /// The mail.
        mail: MailId,
    },
    /// It is for one branch twice.
    #[error("mail {mail} is for branch {recipient} twice")]
    RecipientTwice {
        /// The mail.
        mail: MailId,
        /// The branch.
        recipient: BranchId,
    },
    /// What it holds cannot be sent.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A delivery cannot go that way.
    #[error("mail {mail} cannot go from `{}` to `{}`", from.place(), to.place())]
    NoWay {
        /// The mail.
        mail: MailId,
        /// Where it is.
        from: MailState,
        /// Where it should go.
        to: MailState,
    },
}

impl MailChange {
    /// The mail.
    pub fn mail(&self) -> MailId {
        match self {
            Self::Send { mail, .. } => mail.id,
            Self::Move { mail, .. } | Self::Readdress { mail, .. } => *mail,
        }
    }

    /// Whose deliveries it changes, as they are before it.
    pub fn recipients(&self) -> &[BranchId] {
        match self {
            Self::Send { recipients, .. } => recipients,
            Self::Move { recipient, .. } => std::slice::from_ref(recipient),
            Self::Readdress { from, .. } => std::slice::from_ref(from),
        }
    }

    /// Checks all that can be checked without looking at what is stored.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), BadMailChange> {
        match self {
            Self::Send { mail, recipients, .. } => {
                mail.package.check()?;
                check_recipients(mail.id, recipients)
            }
            Self::Move { mail, from, to, .. } if !from.may_become(to) => {
                Err(BadMailChange::NoWay { mail: *mail, from: from.clone(), to: to.clone() })
            }
            Self::Move { .. } | Self::Readdress { .. } => Ok(()),
        }
    }
}

fn check_recipients(mail: MailId, recipients: &[BranchId]) -> Result<(), BadMailChange> {
    if recipients.is_empty() {
        return Err(BadMailChange::NoRecipient { mail });
    }
    match twice(recipients) {
        None => Ok(()),
        Some(&recipient) => Err(BadMailChange::RecipientTwice { mail, recipient }),
    }
}
