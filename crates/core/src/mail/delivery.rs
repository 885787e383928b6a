//! The way of one mail to one of its recipients.

use std::{fmt, sync::Arc};

use super::Mail;
use crate::{
    clock::Timestamp,
    id::{BranchId, OpId},
};

/// One mail on its way to one recipient, as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its place among the deliveries of its session: numbers grow in the order in which they were sent.
    pub no: u64,
    /// The envelope.
    pub mail: Arc<Mail>,
    /// Who it is for.
    pub recipient: BranchId,
    /// How far it is.
    pub state: MailState,
    /// Since when.
    pub since: Timestamp,
    /// When it came into the inbox; `None` when it has not.
    pub delivered: Option<Timestamp>,
}

impl Delivery {
    /// This delivery when it has gone to `state`.
    #[must_use]
    pub fn moved_to(self, state: MailState, since: Timestamp) -> Self {
        let comes = state == MailState::Inbox && self.delivered.is_none();
        let delivered = if comes { Some(since) } else { self.delivered };
        Self { state, since, delivered, ..self }
    }

    /// The state at `now`: that of a mail that waits too long is `expired`, also before that is noted.
    pub fn state_at(&self, now: Timestamp) -> (MailState, Timestamp) {
        match self.mail.expires {
            Some(expires) if expires <= now && self.state.place().is_waiting() => {
                (MailState::Expired, expires)
            }
            _ => (self.state.clone(), self.since),
        }
    }
}

/// How far a mail is on its way to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailState {
    /// With the sender, until it is collected.
    Outbox,
    /// Collected, until it is sent on.
    Transit,
    /// With the recipient, and not taken in.
    Inbox,
    /// Taken in.
    Applied {
        /// The op that says so: it is in the history of the recipient, which stands behind it.
        receipt: OpId,
    },
    /// The recipient does not want it.
    Refused {
        /// Why.
        reason: String,
    },
    /// It waited for longer than it may.
    Expired,
    /// It cannot be delivered.
    DeadLetter {
        /// Why.
        reason: String,
    },
}

/// Where a mail is: a [`MailState`] without what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MailPlace {
    /// See [`MailState::Outbox`].
    Outbox,
    /// See [`MailState::Transit`].
    Transit,
    /// See [`MailState::Inbox`].
    Inbox,
    /// See [`MailState::Applied`].
    Applied,
    /// See [`MailState::Refused`].
    Refused,
    /// See [`MailState::Expired`].
    Expired,
    /// See [`MailState::DeadLetter`].
    DeadLetter,
}

impl MailPlace {
    /// Every place.
    pub const ALL: [Self; 7] = [
        Self::Outbox,
        Self::Transit,
        Self::Inbox,
        Self::Applied,
        Self::Refused,
        Self::Expired,
        Self::DeadLetter,
    ];

    /// The lower-case name, as files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Transit => "transit",
            Self::Inbox => "inbox",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::DeadLetter => "dead_letter",
        }
    }

    /// The place with that lower-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == name)
    }

    /// Whether nobody has decided on the mail yet.
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Outbox | Self::Transit | Self::Inbox)
    }

    /// Whether it has not come to its recipient yet.
    pub const fn is_unsent(self) -> bool {
        matches!(self, Self::Outbox | Self::Transit)
    }
}

impl fmt::Display for MailPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl MailState {
    /// Where the mail is.
    pub const fn place(&self) -> MailPlace {
        match self {
            Self::Outbox => MailPlace::Outbox,
            Self::Transit => MailPlace::Transit,
            Self::Inbox => MailPlace::Inbox,
            Self::Applied { .. } => MailPlace::Applied,
            Self::Refused { .. } => MailPlace::Refused,
            Self::Expired => MailPlace::Expired,
            Self::DeadLetter { .. } => MailPlace::DeadLetter,
        }
    }

    /// Why it was refused or cannot be delivered.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused { reason } | Self::DeadLetter { reason } => Some(reason),
            _ => None,
        }
    }

    /// The op that says that it was taken in.
    pub const fn receipt(&self) -> Option<OpId> {
        match self {
            Self::Applied { receipt } => Some(*receipt),
            _ => None,
        }
    }

    /// Whether a mail may go from here to `next`.
    ///
    /// It goes towards its recipient, who decides. What is applied goes back to the inbox when its receipt
    /// is taken back, and whatever became of it then, is applied again when the receipt is.
    pub const fn may_become(&self, next: &Self) -> bool {
        match (self.place(), next.place()) {
            (from, MailPlace::Inbox) => from.is_unsent() || matches!(from, MailPlace::Applied),
            (MailPlace::Outbox, MailPlace::Transit) | (MailPlace::Inbox, MailPlace::Refused) => {
                true
            }
            (from, MailPlace::Expired | MailPlace::DeadLetter) => from.is_waiting(),
            (from, MailPlace::Applied) => !from.is_unsent(),
            _ => false,
        }
    }
}
