//! The mail of all sessions.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{Commit, Conflict, StoreError},
    room::Room,
    state::State,
};
use crate::{
    clock::Timestamp,
    id::{BranchId, OpId, SessionId},
    mail::{Delivery, Mail, MailChange, MailQuery},
};

/// The mail of all sessions.
#[derive(Debug, Default)]
pub(super) struct Mailroom {
    rooms: BTreeMap<SessionId, Room>,
}

impl State {
    /// Whether `change` can be applied, or was applied before.
    pub(super) fn check_mail(
        &self,
        commit: &Commit,
        change: &MailChange,
    ) -> Result<(), StoreError> {
        let session = commit.session;
        match change {
            MailChange::Send { mail, recipients, .. } => {
                if self.room(session).is_some_and(|room| room.holds(mail.id)) {
                    return self.check_same(session, mail);
                }
                self.own_branch(session, mail.sender)?;
                recipients.iter().try_for_each(|id| self.own_branch(session, *id).map(drop))
            }
            MailChange::Move { mail, recipient, from, to, at } => {
                let found = self.room(session).and_then(|room| room.of(*mail, *recipient));
                let is_there = found.is_some_and(|found| found.state == *from);
                let is_done = found.is_some_and(|found| found.state == *to && found.since == *at);
                let actual = found.map(|found| found.state.place());
                let moved = StoreError::mail_moved(*mail, *recipient, actual);
                if is_there || is_done { Ok(()) } else { Err(moved) }
            }
            MailChange::Readdress { mail, from, to, at } => {
                self.own_branch(session, *to)?;
                let elsewhere = || StoreError::mail_moved(*mail, *from, None);
                let room = self.room(session).ok_or_else(elsewhere)?;
                room.check_readdress(*mail, (*from, *to), *at)
            }
        }
    }

    /// Refuses a mail that has the identifier of another one.
    fn check_same(&self, session: SessionId, mail: &Arc<Mail>) -> Result<(), StoreError> {
        let sent = self.room(session).and_then(|room| room.mail(mail.id));
        let what = format!("mail {}", mail.id);
        if sent == Some(mail) { Ok(()) } else { Err(Conflict::Exists { what }.into()) }
    }

    fn room(&self, session: SessionId) -> Option<&Room> {
        self.mailroom.rooms.get(&session)
    }

    /// Applies what [`check_mail`](Self::check_mail) let through.
    pub(super) fn apply_mail(&mut self, session: SessionId, change: &MailChange) {
        self.mailroom.rooms.entry(session).or_default().apply(change);
    }
}

impl Mailroom {
    /// Decides on all the mail of a branch that is deleted. Answers the deliveries as they were.
    pub(super) fn delete_branch(
        &mut self,
        session: SessionId,
        branch: (BranchId, &str),
        heir: Option<BranchId>,
        at: Timestamp,
    ) -> Vec<Delivery> {
        let room = self.rooms.get_mut(&session);
        room.map(|room| room.delete_branch(branch, heir, at)).unwrap_or_default()
    }

    /// Brings deliveries back to where they were.
    pub(super) fn put_back(&mut self, session: SessionId, before: Vec<Delivery>) {
        if let Some(room) = self.rooms.get_mut(&session) {
            for delivery in before {
                room.put(delivery);
            }
        }
    }

    /// Lets go of the mail of a session.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.rooms.remove(&session);
    }

    pub(super) fn find(&self, session: SessionId, query: &MailQuery) -> Vec<Delivery> {
        self.rooms.get(&session).map(|room| room.find(query)).unwrap_or_default()
    }

    /// Every receipt, with its delivery and who gave it.
    pub(super) fn receipts(&self) -> impl Iterator<Item = (SessionId, u64, BranchId, OpId)> + '_ {
        self.rooms.iter().flat_map(|(session, room)| {
            let deliveries = room.deliveries().iter();
            deliveries
                .filter_map(|one| Some((*session, one.no, one.recipient, one.state.receipt()?)))
        })
    }
}
