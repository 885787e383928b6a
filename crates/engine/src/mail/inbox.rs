//! The mail of one branch.

use branchwork_core::{
    clock::Timestamp,
    graph::View,
    id::{BranchId, MailId, SessionId},
    limits::READ_MAIL_MAX,
    mail::{Delivery, MailChange, MailPlace, MailQuery, MailState},
    store::{Commit, Conflict},
};

use super::Addresses;
use crate::{
    branch::Branch,
    engine::Engine,
    error::{Error, Result},
};

impl Branch {
    /// The mail that can be taken in now, in the order in which it was sent.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn inbox(&self) -> Result<Vec<Delivery>> {
        let query = MailQuery::new().to(self.id()).in_place(MailPlace::Inbox);
        let (found, now) = (self.all_mail(query).await?, self.engine().now());
        Ok(found.into_iter().filter(|delivery| !delivery.mail.is_expired(now)).collect())
    }

    /// The mail that it sent and that is not delivered yet.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn outbox(&self) -> Result<Vec<Delivery>> {
        let query = MailQuery::new().from(self.id());
        self.all_mail(query.in_place(MailPlace::Outbox).in_place(MailPlace::Transit)).await
    }

    /// All the mail that it sent, and how far each delivery is. Looks at all the mail of the session.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn sent(&self) -> Result<Vec<Delivery>> {
        self.all_mail(MailQuery::new().from(self.id())).await
    }

    /// The first mail from one of `from` that can be taken in, without taking it; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a branch that is not there.
    pub async fn peek(&self, from: impl Into<Addresses>) -> Result<Option<Delivery>> {
        let senders = self.senders(&from.into()).await?;
        let mut inbox = self.inbox().await?.into_iter();
        let is_meant = |sender: &BranchId| senders.as_ref().is_none_or(|all| all.contains(sender));
        Ok(inbox.find(|delivery| is_meant(&delivery.mail.sender)))
    }

    /// Sends a mail that waits back: it is `refused`, for `reason`, and stays on record.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when no such mail is for this branch; [`Error::Conflict`] when it does not wait
    /// in its inbox.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it in the inbox or refused.
    pub async fn refuse(&self, mail: MailId, reason: impl Into<String>) -> Result<Delivery> {
        let found = self.delivery(mail).await?;
        let at = self.engine().now();
        if found.state_at(at).0 != MailState::Inbox {
            let actual = Some(found.state_at(at).0.place());
            return Err(Conflict::MailMoved { mail, recipient: self.id(), actual }.into());
        }
        let to = MailState::Refused { reason: reason.into() };
        let change = moved(&found, to.clone(), at);
        let commit = Commit::new(self.session_id(), at).with_mail([change]);
        self.engine().store().commit(commit).await?;
        Ok(found.moved_to(to, at))
    }

    /// Notes which mail waits for longer than it may; answers that. It could not be taken in anyway.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn expire(&self) -> Result<Vec<Delivery>> {
        let query = MailQuery::new().to(self.id()).in_place(MailPlace::Inbox);
        expire(self.engine(), self.session_id(), query).await
    }

    /// What gives the mail that waits for this branch to `fork`, which is being made.
    pub(crate) async fn mail_for_fork(
        &self,
        fork: BranchId,
        at: Timestamp,
    ) -> Result<Vec<MailChange>> {
        let (from, to) = (self.id(), fork);
        let readdress = |one: Delivery| MailChange::Readdress { mail: one.mail.id, from, to, at };
        Ok(self.inbox().await?.into_iter().map(readdress).collect())
    }

    /// Notes that mail of the inbox is taken in whose receipt came with the history of another branch. What
    /// somebody else moved meanwhile is left to them.
    pub(super) async fn settle_known(&self, view: &View, inbox: &[Delivery]) -> Result<()> {
        for delivery in inbox {
            if let Some(receipt) = view.receipt(delivery.mail.id) {
                let to = (MailState::Applied { receipt }, self.engine().now());
                advance(self.engine(), self.session_id(), vec![delivery.clone()], to).await?;
            }
        }
        Ok(())
    }

    /// The delivery of `mail` to this branch.
    pub(super) async fn delivery(&self, mail: MailId) -> Result<Delivery> {
        let query = MailQuery::new().to(self.id());
        delivery(self.engine(), self.session_id(), (mail, query)).await
    }

    /// The branches that `from` means; `None` is any, also one that is gone.
    pub(super) async fn senders(&self, from: &Addresses) -> Result<Option<Vec<BranchId>>> {
        if *from == Addresses::All {
            return Ok(None);
        }
        let branches = self.engine().store().branches(self.session_id()).await?;
        from.resolve(&branches, Some(self.id())).map(Some)
    }

    async fn all_mail(&self, query: MailQuery) -> Result<Vec<Delivery>> {
        all(self.engine(), self.session_id(), query).await
    }
}

/// The first delivery of `mail` that `query` means.
pub(super) async fn delivery(
    engine: &Engine,
    session: SessionId,
    (mail, query): (MailId, MailQuery),
) -> Result<Delivery> {
    let found = engine.store().mail(session, &query.of(mail).limit(1)).await?;
    found.into_iter().next().ok_or_else(|| Error::not_found("mail", &mail))
}

/// All deliveries that `query` means, page by page.
pub(super) async fn all(
    engine: &Engine,
    session: SessionId,
    mut query: MailQuery,
) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    loop {
        let page = engine.store().mail(session, &query).await?;
        let Some(last) = page.last() else { return Ok(found) };
        query.after = last.no;
        let is_last = page.len() < READ_MAIL_MAX;
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}

/// Notes which of the mail that `query` means waits for longer than it may; answers that.
pub(super) async fn expire(
    engine: &Engine,
    session: SessionId,
    query: MailQuery,
) -> Result<Vec<Delivery>> {
    let at = engine.now();
    let found = all(engine, session, query).await?.into_iter();
    let expired: Vec<_> = found.filter(|delivery| delivery.mail.is_expired(at)).collect();
    advance(engine, session, expired, (MailState::Expired, at)).await
}

/// Lets each of `deliveries` go on to `to`, in commits of a size that lets others have their turn; answers
/// those. What somebody else moved meanwhile is left to them.
pub(super) async fn advance(
    engine: &Engine,
    session: SessionId,
    deliveries: Vec<Delivery>,
    (to, at): (MailState, Timestamp),
) -> Result<Vec<Delivery>> {
    let mut done = Vec::with_capacity(deliveries.len());
    for batch in deliveries.chunks(READ_MAIL_MAX) {
        let mut batch = batch.to_vec();
        while !batch.is_empty() {
            let changes = batch.iter().map(|delivery| moved(delivery, to.clone(), at));
            let commit = Commit::new(session, at).with_mail(changes);
            match engine.store().commit(commit).await.map_err(Error::from) {
                Err(Error::Conflict(Conflict::MailMoved { mail, recipient, .. })) => {
                    let is_it = |one: &Delivery| one.mail.id == mail && one.recipient == recipient;
                    batch.retain(|one| !is_it(one));
                }
                committed => {
                    committed?;
                    let moved = std::mem::take(&mut batch).into_iter();
                    done.extend(moved.map(|one| one.moved_to(to.clone(), at)));
                }
            }
        }
    }
    Ok(done)
}

/// What lets `delivery` go on to `to`.
pub(super) fn moved(delivery: &Delivery, to: MailState, at: Timestamp) -> MailChange {
    let (mail, recipient, from) = (delivery.mail.id, delivery.recipient, delivery.state.clone());
    MailChange::Move { mail, recipient, from, to, at }
}
