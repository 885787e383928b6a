//! The mail of a whole session.

use branchwork_core::{
    id::MailId,
    mail::{Delivery, MailChange, MailPlace, MailQuery, MailState},
    store::Commit,
};

use super::{Addresses, Received, inbox};
use crate::{
    branch::Branch,
    error::{Error, Result},
    reference,
    session::{InBranch, Session},
};

impl Session {
    /// The deliveries that `query` means, in the order in which they were sent; at most
    /// [`READ_MAIL_MAX`](branchwork_core::limits::READ_MAIL_MAX) at once.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn mail(&self, query: &MailQuery) -> Result<Vec<Delivery>> {
        Ok(self.engine().store().mail(self.id(), query).await?)
    }

    /// The deliveries of the mail that `reference` names: by identifier, or by a prefix of one. Of a prefix,
    /// looks at all the mail of the session.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Ambiguous`].
    pub async fn find_mail(&self, reference: &str) -> Result<Vec<Delivery>> {
        let id = if let Ok(id) = reference.parse::<MailId>() {
            id
        } else {
            let all = inbox::all(self.engine(), self.id(), MailQuery::new()).await?;
            let mut ids: Vec<MailId> = all.iter().map(|delivery| delivery.mail.id).collect();
            ids.dedup();
            *reference::find("mail", reference, "mail_", &ids, |id| *id)?
        };
        let found = inbox::all(self.engine(), self.id(), MailQuery::new().of(id)).await?;
        if found.is_empty() {
            return Err(Error::not_found("mail", reference));
        }
        Ok(found)
    }

    /// Takes the mail out of the outboxes of `from`; answers what. It is on its way then, until it is
    /// [sent](Self::send).
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a branch that is not there.
    pub async fn collect(&self, from: impl Into<Addresses>) -> Result<Vec<Delivery>> {
        let mut collected = Vec::new();
        for sender in from.into().resolve(&self.branches().await?, None)? {
            let query = MailQuery::new().from(sender).in_place(MailPlace::Outbox);
            collected.extend(self.advance(query, MailState::Transit).await?);
        }
        Ok(collected)
    }

    /// Delivers the mail that was [collected](Self::collect) for `to` into their inboxes; answers what.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a branch that is not there.
    pub async fn send(&self, to: impl Into<Addresses>) -> Result<Vec<Delivery>> {
        let mut sent = Vec::new();
        for recipient in to.into().resolve(&self.branches().await?, None)? {
            let query = MailQuery::new().to(recipient).in_place(MailPlace::Transit);
            sent.extend(self.advance(query, MailState::Inbox).await?);
        }
        Ok(sent)
    }

    /// Collects and sends all mail, so that none is on its way; answers what was delivered.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn collect_send_all(&self) -> Result<Vec<Delivery>> {
        self.collect(Addresses::All).await?;
        self.send(Addresses::All).await
    }

    /// Lets every branch take in all of its mail, in the order in which they were made; answers what came of
    /// it on each. One that cannot, as it waits for approvals say, keeps no other from it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] when the branches cannot be read.
    pub async fn receive_all(&self) -> Result<Vec<InBranch<Result<Received>>>> {
        let mut all = Vec::new();
        for branch in self.branches().await? {
            let found = self.handle(branch.id).receive().await;
            all.push(InBranch { branch, found });
        }
        Ok(all)
    }

    /// Notes which mail waits for longer than it may; answers that.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn expire(&self) -> Result<Vec<Delivery>> {
        let query = MailQuery::new().in_place(MailPlace::Outbox).in_place(MailPlace::Transit);
        inbox::expire(self.engine(), self.id(), query.in_place(MailPlace::Inbox)).await
    }

    /// The mail that cannot be delivered, with the reasons.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn dead_letters(&self) -> Result<Vec<Delivery>> {
        let query = MailQuery::new().in_place(MailPlace::DeadLetter);
        inbox::all(self.engine(), self.id(), query).await
    }

    /// Gives a mail that waits for one branch, or could not be delivered to it, to another: it is in the
    /// inbox of that.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when it was taken in, refused or is expired, or when `to` has the same mail;
    /// [`Error::Store`] when `to` is not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it with the one or the other.
    pub async fn readdress(&self, delivery: &Delivery, to: &Branch) -> Result<()> {
        let (mail, from, at) = (delivery.mail.id, delivery.recipient, self.engine().now());
        let change = MailChange::Readdress { mail, from, to: to.id(), at };
        let commit = Commit::new(self.id(), at).with_mail([change]);
        Ok(self.engine().store().commit(commit).await?)
    }

    async fn advance(&self, query: MailQuery, to: MailState) -> Result<Vec<Delivery>> {
        let found = inbox::all(self.engine(), self.id(), query).await?;
        let at = self.engine().now();
        inbox::advance(self.engine(), self.id(), found, (to, at)).await
    }
}
