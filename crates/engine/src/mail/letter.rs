//! Mail that is being written.

use std::{pin::Pin, sync::Arc, time::Duration};

use branchwork_core::{
    clock::Timestamp,
    id::{BranchId, MailId},
    mail::{Mail, MailChange, MailQuery},
    store::{BranchRecord, Commit},
};

use super::{Addresses, Contents, inbox};
use crate::{
    branch::Branch,
    error::{Error, Result},
    session::Session,
    telemetry::Operation,
};

/// A mail that is being written: `.await` it, and it is sent.
#[derive(Debug, Clone)]
#[must_use = "a letter is sent when it is awaited"]
pub struct Letter {
    sender: Branch,
    to: Addresses,
    contents: Contents,
    reply_to: Option<MailId>,
    time_to_live: Option<Duration>,
    at_once: bool,
    id: Option<MailId>,
}

impl Branch {
    /// Sends `contents` to the branches that `to` names, which may be this one: one mail with a delivery to
    /// each. It is in their inboxes when this returns, and durable, whatever becomes of this branch.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a branch, message or tool that is not there, [`Error::Mail`] when the contents
    /// cannot be sent, [`Error::NoProvider`] for a provider that is not registered, [`Error::Change`] for part
    /// of a turn group that waits for results. Nothing is sent then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no mail or the whole mail.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::Engine;
    ///
    /// let session = Engine::in_memory().session("trip").create().await?;
    /// let main = session.default_branch();
    /// let scout = main.fork("scout").await?;
    /// scout.send(&main, "The museum is closed on Mondays.").await?;
    /// let received = main.receive().await?;
    /// assert_eq!(received.taken.len(), 1);
    /// assert_eq!(main.view().await?.last().unwrap().sender, "scout");
    /// # Ok(()) }
    /// ```
    pub fn send(&self, to: impl Into<Addresses>, contents: impl Into<Contents>) -> Letter {
        Letter {
            sender: self.clone(),
            to: to.into(),
            contents: contents.into(),
            reply_to: None,
            time_to_live: None,
            at_once: true,
            id: None,
        }
    }

    /// Sends `contents` to all other branches that the session has now.
    ///
    /// # Errors
    ///
    /// [`Error::NoRecipient`] when there is none; else as for [`send`](Self::send).
    pub fn broadcast(&self, contents: impl Into<Contents>) -> Letter {
        self.send(Addresses::Others, contents)
    }

    /// Sends `contents` to the branch that sent `mail`, as the answer to it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when that branch was deleted; else as for [`send`](Self::send).
    pub fn reply(&self, mail: &Mail, contents: impl Into<Contents>) -> Letter {
        self.send(mail.sender, contents).reply_to(mail.id)
    }
}

impl Letter {
    /// Says which mail it answers.
    pub const fn reply_to(mut self, mail: MailId) -> Self {
        self.reply_to = Some(mail);
        self
    }

    /// Says how long it can be taken in.
    pub const fn expires_in(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = Some(time_to_live);
        self
    }

    /// Leaves it in the outbox until it is [collected](Session::collect) and [sent](Session::send), or
    /// another mail to the same branch is sent at once: that takes it along.
    pub const fn queued(mut self) -> Self {
        self.at_once = false;
        self
    }

    /// Gives it this identifier.
    pub(super) const fn with_id(mut self, id: MailId) -> Self {
        self.id = Some(id);
        self
    }

    async fn post(self) -> Result<Arc<Mail>> {
        let (engine, session) = (self.sender.engine().clone(), self.sender.session_id());
        let branches = engine.store().branches(session).await?;
        let now = engine.now();
        let (mail, change) = self.seal(&branches, now).await?;
        engine.store().commit(Commit::new(session, now).with_mail([change])).await?;
        Ok(mail)
    }

    /// The envelope, and what sends it.
    async fn seal(
        self,
        branches: &[BranchRecord],
        now: Timestamp,
    ) -> Result<(Arc<Mail>, MailChange)> {
        let sender = self.sender.id();
        let recipients = self.to.resolve(branches, Some(sender))?;
        if recipients.is_empty() {
            return Err(Error::NoRecipient);
        }
        let engine = self.sender.engine();
        if let Some(mail) = self.reply_to {
            let any = (mail, MailQuery::new());
            inbox::delivery(engine, self.sender.session_id(), any).await?;
        }
        let expires = self.time_to_live.map(|time| expiry(now, time)).transpose()?;
        let id = self.id.unwrap_or_else(|| MailId::from_bits(engine.ids().next_bits()));
        let package = self.contents.pack(&self.sender).await?;
        let reply_to = self.reply_to;
        let mail = Arc::new(Mail { id, sender, package, reply_to, sent: now, expires });
        let sending =
            MailChange::Send { mail: Arc::clone(&mail), recipients, at_once: self.at_once };
        Ok((mail, sending))
    }

    const fn sender(&self) -> (BranchId, &Branch) {
        (self.sender.id(), &self.sender)
    }
}

fn expiry(now: Timestamp, time: Duration) -> Result<Timestamp> {
    let bad = |problem| Error::BadOption { option: "expires_in", problem };
    if time.is_zero() {
        return Err(bad("nobody could take the mail in"));
    }
    let micros = i64::try_from(time.as_micros()).ok();
    let end = micros.and_then(|micros| now.as_micros().checked_add(micros));
    end.map(Timestamp::from_micros).ok_or_else(|| bad("it ends after the end of time"))
}

impl Session {
    /// Sends letters of branches of this session in one commit, in their order: all of them or none.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a letter of another session; else as for [`Branch::send`].
    ///
    /// # Limits
    ///
    /// At most [`limits::COMMIT_MAIL_MAX`](branchwork_core::limits::COMMIT_MAIL_MAX) deliveries at once.
    pub async fn post(&self, letters: Vec<Letter>) -> Result<Vec<Arc<Mail>>> {
        let (branches, now) = (self.branches().await?, self.engine().now());
        let (mut mails, mut changes) = (Vec::new(), Vec::new());
        for letter in letters {
            let (id, sender) = letter.sender();
            if sender.session_id() != self.id() {
                return Err(Error::not_found("branch", &id));
            }
            let (mail, change) = letter.seal(&branches, now).await?;
            mails.push(mail);
            changes.push(change);
        }
        let commit = Commit::new(self.id(), now).with_mail(changes);
        self.engine().store().commit(commit).await?;
        Ok(mails)
    }
}

impl IntoFuture for Letter {
    type Output = Result<Arc<Mail>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let mail = Operation::send_mail(&self.sender);
        Box::pin(mail.run_telling(self.post(), Operation::tell_sent))
    }
}
