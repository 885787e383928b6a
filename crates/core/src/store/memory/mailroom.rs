//! The mail of all sessions.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    super::{Commit, Conflict, StoreError},
    state::State,
};
use crate::{
    clock::Timestamp,
    id::{BranchId, MailId, OpId, SessionId},
    limits,
    mail::{Delivery, Mail, MailChange, MailPlace, MailQuery, MailState},
};

/// The mail of all sessions: each delivery is in one row, and found by whom it waits for.
#[derive(Debug, Default)]
pub(super) struct Mailroom {
    deliveries: BTreeMap<(SessionId, u64), Delivery>,
    /// The numbers of the deliveries of a mail: the first one, and how many.
    mails: BTreeMap<(SessionId, MailId), (u64, u64)>,
    /// What waits, by recipient: in its inbox, or on the way there.
    waiting: BTreeSet<(BranchId, u64)>,
    /// What is on the way, by sender and recipient.
    unsent: BTreeSet<(BranchId, BranchId, u64)>,
    /// The number of the last delivery.
    last: u64,
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
                if self.mailroom.holds(session, mail)? {
                    return Ok(());
                }
                self.own_branch(session, mail.sender)?;
                recipients.iter().try_for_each(|id| self.own_branch(session, *id).map(drop))
            }
            MailChange::Move { mail, recipient, from, to, at } => {
                let found = self.mailroom.of(session, *mail, *recipient);
                let is_there = found.is_some_and(|found| found.state == *from);
                let is_done = found.is_some_and(|found| found.state == *to && found.since == *at);
                let actual = found.map(|found| found.state.place());
                let moved = StoreError::mail_moved(*mail, *recipient, actual);
                if is_there || is_done { Ok(()) } else { Err(moved) }
            }
            MailChange::Readdress { mail, from, to, at } => {
                self.own_branch(session, *to)?;
                self.mailroom.check_readdress(session, *mail, (*from, *to), *at)
            }
        }
    }
}

impl Mailroom {
    /// Whether `mail` was sent before; an error when another one has its identifier.
    fn holds(&self, session: SessionId, mail: &Arc<Mail>) -> Result<bool, StoreError> {
        let Some((first, _)) = self.mails.get(&(session, mail.id)) else { return Ok(false) };
        let is_same = self.deliveries.get(&(session, *first)).is_some_and(|one| one.mail == *mail);
        let what = format!("mail {}", mail.id);
        if is_same { Ok(true) } else { Err(Conflict::Exists { what }.into()) }
    }

    fn of(&self, session: SessionId, mail: MailId, recipient: BranchId) -> Option<&Delivery> {
        self.all_of(session, mail).find(|delivery| delivery.recipient == recipient)
    }

    fn all_of(&self, session: SessionId, mail: MailId) -> impl Iterator<Item = &Delivery> {
        let (first, count) = self.mails.get(&(session, mail)).copied().unwrap_or_default();
        let numbers = (session, first)..(session, first + count);
        self.deliveries.range(numbers).map(|(_, delivery)| delivery)
    }

    fn check_readdress(
        &self,
        session: SessionId,
        mail: MailId,
        (from, to): (BranchId, BranchId),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (old, new) = (self.of(session, mail, from), self.of(session, mail, to));
        let is_done = |new: &Delivery| new.state == MailState::Inbox && new.since == at;
        let may_go = |old: &Delivery| {
            let place = old.state.place();
            place.is_waiting() || place == MailPlace::DeadLetter
        };
        match (old, new) {
            (None, Some(new)) if is_done(new) => Ok(()),
            (Some(old), None) if may_go(old) => Ok(()),
            (Some(old), Some(_)) if may_go(old) && from == to => Ok(()),
            (Some(old), Some(_)) if may_go(old) => {
                let what = format!("mail {mail} for branch {to}");
                Err(Conflict::Exists { what }.into())
            }
            (old, _) => Err(StoreError::mail_moved(mail, from, old.map(|old| old.state.place()))),
        }
    }

    /// Applies what [`check_mail`](State::check_mail) let through.
    pub(super) fn apply(&mut self, session: SessionId, change: &MailChange) {
        match change {
            MailChange::Send { mail, recipients, at_once } => {
                if !self.mails.contains_key(&(session, mail.id)) {
                    self.send(session, mail, (recipients, *at_once));
                }
            }
            MailChange::Move { mail, recipient, from, to, at } => {
                let found = self.of(session, *mail, *recipient);
                if let Some(found) = found.filter(|found| found.state == *from).cloned() {
                    self.put(session, found.moved_to(to.clone(), *at));
                }
            }
            MailChange::Readdress { mail, from, to, at } => {
                if let Some(found) = self.of(session, *mail, *from).cloned() {
                    let readdressed = Delivery { recipient: *to, ..found };
                    self.put(session, readdressed.moved_to(MailState::Inbox, *at));
                }
            }
        }
    }

    fn send(
        &mut self,
        session: SessionId,
        mail: &Arc<Mail>,
        (recipients, at_once): (&[BranchId], bool),
    ) {
        let first = self.last + 1;
        self.mails.insert((session, mail.id), (first, recipients.len() as u64));
        for recipient in recipients {
            if at_once {
                self.deliver(session, mail.sender, *recipient, mail.sent);
            }
            self.last += 1;
            let state = if at_once { MailState::Inbox } else { MailState::Outbox };
            let delivered = at_once.then_some(mail.sent);
            let (no, recipient, since) = (self.last, *recipient, mail.sent);
            let mail = Arc::clone(mail);
            self.put(session, Delivery { no, mail, recipient, state, since, delivered });
        }
    }

    /// Brings what `sender` has on the way to `recipient` into the inbox.
    fn deliver(
        &mut self,
        session: SessionId,
        sender: BranchId,
        recipient: BranchId,
        at: Timestamp,
    ) {
        let way = (sender, recipient, 0)..=(sender, recipient, u64::MAX);
        let numbers: Vec<u64> = self.unsent.range(way).map(|(_, _, no)| *no).collect();
        for no in numbers {
            if let Some(found) = self.deliveries.get(&(session, no)).cloned() {
                self.put(session, found.moved_to(MailState::Inbox, at));
            }
        }
    }

    /// Decides on all the mail of a branch that is deleted. Answers the deliveries as they were.
    pub(super) fn delete_branch(
        &mut self,
        session: SessionId,
        (branch, name): (BranchId, &str),
        heir: Option<BranchId>,
        at: Timestamp,
    ) -> Vec<Delivery> {
        let waiting = self.waiting.range((branch, 0)..=(branch, u64::MAX)).map(|(_, no)| *no);
        let numbers: BTreeSet<u64> = waiting.chain(self.unsent_of(branch)).collect();
        let found = numbers.iter().filter_map(|no| self.deliveries.get(&(session, *no)));
        let before: Vec<Delivery> = found.cloned().collect();
        for delivery in &before {
            let after = if delivery.recipient == branch {
                self.inherited(session, delivery, (name, heir), at)
            } else {
                delivery.clone().moved_to(MailState::Inbox, at)
            };
            self.put(session, after);
        }
        before
    }

    /// What becomes of a delivery that waits for a branch of that name, which is deleted.
    fn inherited(
        &self,
        session: SessionId,
        delivery: &Delivery,
        (name, heir): (&str, Option<BranchId>),
        at: Timestamp,
    ) -> Delivery {
        let has_it = |heir: &BranchId| self.of(session, delivery.mail.id, *heir).is_some();
        if let Some(recipient) = heir.filter(|heir| !has_it(heir)) {
            let inherited = Delivery { recipient, ..delivery.clone() };
            return inherited.moved_to(MailState::Inbox, at);
        }
        let reason = format!("branch `{name}` was deleted");
        delivery.clone().moved_to(MailState::DeadLetter { reason }, at)
    }

    /// Brings deliveries back to where they were.
    pub(super) fn put_back(&mut self, session: SessionId, before: Vec<Delivery>) {
        for delivery in before {
            self.put(session, delivery);
        }
    }

    /// Lets go of the mail of a session.
    pub(super) fn forget(&mut self, session: SessionId) {
        let rest = self.deliveries.split_off(&(session, 0));
        let (gone, kept): (BTreeMap<_, _>, _) =
            rest.into_iter().partition(|((of, _), _)| *of == session);
        self.deliveries.extend(kept);
        for delivery in gone.values() {
            self.unlist(delivery);
        }
        self.mails.retain(|(of, _), _| *of != session);
        self.last = self.deliveries.keys().map(|(_, no)| *no).max().unwrap_or_default();
    }

    pub(super) fn find(&self, session: SessionId, query: &MailQuery) -> Vec<Delivery> {
        let limit = query.limit.min(limits::READ_MAIL_MAX);
        let of = |no: &u64| self.deliveries.get(&(session, *no));
        let only = |is: fn(MailPlace) -> bool| {
            !query.places.is_empty() && query.places.iter().all(|place| is(*place))
        };
        let after = query.after.saturating_add(1);
        match (query.mail, query.recipient, query.sender) {
            (Some(mail), ..) => collect(self.all_of(session, mail), query, limit),
            (None, None, Some(sender)) if only(MailPlace::is_unsent) => {
                let numbers: BTreeSet<u64> = self.unsent_of(sender).collect();
                collect(numbers.iter().filter_map(of), query, limit)
            }
            (None, Some(recipient), _) if only(MailPlace::is_waiting) => {
                let waiting = self.waiting.range((recipient, after)..=(recipient, u64::MAX));
                collect(waiting.filter_map(|(_, no)| of(no)), query, limit)
            }
            _ => {
                let all = self.deliveries.range((session, after)..=(session, u64::MAX));
                collect(all.map(|(_, delivery)| delivery), query, limit)
            }
        }
    }

    /// Every receipt, with its delivery and who gave it.
    pub(super) fn receipts(&self) -> impl Iterator<Item = (SessionId, u64, BranchId, OpId)> + '_ {
        self.deliveries.iter().filter_map(|((session, no), delivery)| {
            Some((*session, *no, delivery.recipient, delivery.state.receipt()?))
        })
    }

    fn unsent_of(&self, sender: BranchId) -> impl Iterator<Item = u64> + '_ {
        let all = self.unsent.range((sender, BranchId::from_bits(0), 0)..);
        all.take_while(move |(of, ..)| *of == sender).map(|(_, _, no)| *no)
    }

    /// Keeps `delivery` in the place of what was known of it.
    fn put(&mut self, session: SessionId, delivery: Delivery) {
        let (no, recipient, sender) = (delivery.no, delivery.recipient, delivery.mail.sender);
        let place = delivery.state.place();
        if let Some(before) = self.deliveries.insert((session, no), delivery) {
            self.unlist(&before);
        }
        if place.is_waiting() {
            self.waiting.insert((recipient, no));
        }
        if place.is_unsent() {
            self.unsent.insert((sender, recipient, no));
        }
    }

    fn unlist(&mut self, delivery: &Delivery) {
        let place = delivery.state.place();
        if place.is_waiting() {
            self.waiting.remove(&(delivery.recipient, delivery.no));
        }
        if place.is_unsent() {
            self.unsent.remove(&(delivery.mail.sender, delivery.recipient, delivery.no));
        }
    }
}

fn collect<'a>(
    deliveries: impl Iterator<Item = &'a Delivery>,
    query: &MailQuery,
    limit: usize,
) -> Vec<Delivery> {
    deliveries.filter(|delivery| query.selects(delivery)).take(limit).cloned().collect()
}
