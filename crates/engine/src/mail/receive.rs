//! Taking mail in.

use std::{collections::BTreeSet, pin::Pin, sync::Arc};

use branchwork_core::{
    id::{BranchId, MailId, MessageId, OpId},
    mail::{Category, Delivery, Mail},
    store::Conflict,
};

use super::{Addresses, intake::Intake};
use crate::{
    branch::Branch,
    error::{Error, Result},
    telemetry::Operation,
};

/// How often mail is looked at anew when somebody else moves some of it, or the branch, meanwhile.
const TRIES_MAX: u32 = 64;

/// Mail that is being taken in: `.await` it.
#[derive(Debug, Clone)]
#[must_use = "mail is taken in when it is awaited"]
pub struct Receive {
    pub(super) branch: Branch,
    pub(super) from: Addresses,
    pub(super) accept: Option<BTreeSet<Category>>,
    pub(super) only: Option<BTreeSet<MailId>>,
}

/// What came of taking mail in.
#[derive(Debug)]
pub struct Received {
    /// What was taken in, in the order in which it was sent.
    pub taken: Vec<Taken>,
    /// What was asked about and was not taken in, and why.
    pub left: Vec<Left>,
    /// Where the branch is now.
    pub head: Option<OpId>,
}

/// A mail that was taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The mail.
    pub mail: Arc<Mail>,
    /// The op that says so.
    pub receipt: OpId,
    /// The messages that it brought.
    pub messages: Vec<MessageId>,
}

/// A mail that was not taken in.
#[derive(Debug)]
pub struct Left {
    /// The mail.
    pub mail: Arc<Mail>,
    /// Why not.
    pub reason: LeftReason,
}

/// Why a mail was not taken in.
#[derive(Debug)]
#[non_exhaustive]
pub enum LeftReason {
    /// Its category is not accepted. It waits.
    NotAccepted,
    /// Its time is over: it is `expired` now.
    Expired,
    /// What it asks for cannot be done on this branch now. It waits.
    Failed(Error),
}

impl Branch {
    /// Takes in the mail that waits: messages, texts and data are appended, tools registered, the
    /// configuration changed. What a mail changes and that it is taken in are one commit; that is one step,
    /// which [`undo`](Self::undo) takes back, and then the mail waits again. Thousands of mails take several.
    ///
    /// A mail that cannot be taken in is left where it is, and keeps no other from it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a sender that is not there; else as for [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each mail in the inbox or taken in.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::config::ConfigPatch, mail::Category};
    ///
    /// let session = Engine::in_memory().session("trip").create().await?;
    /// let main = session.default_branch();
    /// let scout = main.fork("scout").await?;
    /// scout.send(&main, "It rains.").await?;
    /// scout.send(&main, ConfigPatch::new().with_temperature(0.2)).await?;
    /// let received = main.receive().from(&scout).accept([Category::Text]).await?;
    /// assert_eq!((received.taken.len(), received.left.len()), (1, 1));
    /// assert_eq!(main.inbox().await?.len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn receive(&self) -> Receive {
        Receive { branch: self.clone(), from: Addresses::All, accept: None, only: None }
    }
}

impl Receive {
    /// Takes in only what these branches sent.
    pub fn from(mut self, senders: impl Into<Addresses>) -> Self {
        self.from = senders.into();
        self
    }

    /// Takes in only mail of these categories.
    pub fn accept(mut self, categories: impl IntoIterator<Item = Category>) -> Self {
        self.accept = Some(categories.into_iter().collect());
        self
    }

    /// Takes in only these mails, which must be for this branch.
    pub fn only(mut self, mails: impl IntoIterator<Item = MailId>) -> Self {
        self.only = Some(mails.into_iter().collect());
        self
    }

    async fn take_in(self) -> Result<Received> {
        let mut intake = Intake::begin(self).await?;
        let mut tries = 0;
        loop {
            match intake.take_page().await {
                Ok(true) => {}
                Ok(false) => return Ok(intake.end()),
                Err(Error::Conflict(Conflict::MailMoved { .. } | Conflict::HeadMoved { .. }))
                    if tries < TRIES_MAX =>
                {
                    // Somebody else decided on some of it, or was first on the branch: look again.
                    tries += 1;
                    intake.refresh().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether `delivery` is meant, when these are the senders.
    pub(super) fn means(&self, delivery: &Delivery, senders: Option<&[BranchId]>) -> bool {
        senders.is_none_or(|all| all.contains(&delivery.mail.sender))
            && self.only.as_ref().is_none_or(|all| all.contains(&delivery.mail.id))
    }
}

impl IntoFuture for Receive {
    type Output = Result<Received>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let mail = Operation::receive_mail(&self.branch);
        Box::pin(mail.run_telling(self.take_in(), Operation::tell_received))
    }
}
