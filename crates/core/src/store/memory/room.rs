//! The mail of one session.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::super::{Conflict, StoreError};
use crate::{
    clock::Timestamp,
    id::{BranchId, MailId},
    limits,
    mail::{Delivery, Mail, MailChange, MailPlace, MailQuery, MailState},
};

/// The mail of one session: each delivery is in one row, and found by whom it waits for.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The one of number `n` is at `n - 1`.
    deliveries: Vec<Delivery>,
    /// The number of the first delivery of a mail, and how many there are.
    ///
    /// Never gone through, so its order cannot be seen.
    mails: HashMap<MailId, (u64, usize)>,
    /// What waits, by recipient: in its inbox, or on the way there.
    waiting: BTreeMap<BranchId, BTreeSet<u64>>,
    /// What is on the way, by sender and recipient.
    unsent: BTreeSet<(BranchId, BranchId, u64)>,
}

impl Room {
    pub(super) fn of(&self, mail: MailId, recipient: BranchId) -> Option<&Delivery> {
        self.all_of(mail).find(|delivery| delivery.recipient == recipient)
    }

    fn all_of(&self, mail: MailId) -> impl Iterator<Item = &Delivery> {
        let (first, count) = self.mails.get(&mail).copied().unwrap_or_default();
        self.deliveries.iter().skip(index(first)).take(count)
    }

    pub(super) fn holds(&self, mail: MailId) -> bool {
        self.mails.contains_key(&mail)
    }

    pub(super) fn mail(&self, mail: MailId) -> Option<&Arc<Mail>> {
        self.all_of(mail).next().map(|delivery| &delivery.mail)
    }

    fn delivery(&self, no: u64) -> Option<&Delivery> {
        self.deliveries.get(index(no))
    }

    pub(super) fn check_readdress(
        &self,
        mail: MailId,
        (from, to): (BranchId, BranchId),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (old, new) = (self.of(mail, from), self.of(mail, to));
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

    /// Applies a change that was checked.
    pub(super) fn apply(&mut self, change: &MailChange) {
        match change {
            MailChange::Send { mail, recipients, at_once } => {
                if !self.holds(mail.id) {
                    self.send(mail, (recipients, *at_once));
                }
            }
            MailChange::Move { mail, recipient, from, to, at } => {
                let found = self.of(*mail, *recipient);
                if let Some(found) = found.filter(|found| found.state == *from).cloned() {
                    self.put(found.moved_to(to.clone(), *at));
                }
            }
            MailChange::Readdress { mail, from, to, at } => {
                if let Some(found) = self.of(*mail, *from).cloned() {
                    let readdressed = Delivery { recipient: *to, ..found };
                    self.put(readdressed.moved_to(MailState::Inbox, *at));
                }
            }
        }
    }

    fn send(&mut self, mail: &Arc<Mail>, (recipients, at_once): (&[BranchId], bool)) {
        let first = self.next_no();
        self.mails.insert(mail.id, (first, recipients.len()));
        for recipient in recipients {
            if at_once {
                self.deliver(mail.sender, *recipient, mail.sent);
            }
            let state = if at_once { MailState::Inbox } else { MailState::Outbox };
            let delivered = at_once.then_some(mail.sent);
            let (no, recipient, since) = (self.next_no(), *recipient, mail.sent);
            let mail = Arc::clone(mail);
            self.put(Delivery { no, mail, recipient, state, since, delivered });
        }
    }

    /// Brings what `sender` has on the way to `recipient` into the inbox.
    fn deliver(&mut self, sender: BranchId, recipient: BranchId, at: Timestamp) {
        let numbers: Vec<u64> = self.unsent_to(sender, recipient).collect();
        for no in numbers {
            if let Some(found) = self.delivery(no).cloned() {
                self.put(found.moved_to(MailState::Inbox, at));
            }
        }
    }

    /// Decides on all the mail of a branch that is deleted. Answers the deliveries as they were.
    pub(super) fn delete_branch(
        &mut self,
        (branch, name): (BranchId, &str),
        heir: Option<BranchId>,
        at: Timestamp,
    ) -> Vec<Delivery> {
        let waiting: Vec<u64> = self.waiting.get(&branch).into_iter().flatten().copied().collect();
        let overtaken = waiting.iter().filter_map(|no| self.delivery(*no)).flat_map(|waits| {
            let heir = heir.filter(|heir| self.of(waits.mail.id, *heir).is_none());
            heir.into_iter().flat_map(|heir| self.unsent_to(waits.mail.sender, heir))
        });
        let numbers: BTreeSet<u64> =
            waiting.iter().copied().chain(self.unsent_of(branch)).chain(overtaken).collect();
        let found = numbers.iter().filter_map(|no| self.delivery(*no));
        let before: Vec<Delivery> = found.cloned().collect();
        for delivery in &before {
            let after = if delivery.recipient == branch {
                self.inherited(delivery, (name, heir), at)
            } else {
                delivery.clone().moved_to(MailState::Inbox, at)
            };
            self.put(after);
        }
        before
    }

    /// What becomes of a delivery that waits for a branch of that name, which is deleted.
    fn inherited(
        &self,
        delivery: &Delivery,
        (name, heir): (&str, Option<BranchId>),
        at: Timestamp,
    ) -> Delivery {
        let has_it = |heir: &BranchId| self.of(delivery.mail.id, *heir).is_some();
        if let Some(recipient) = heir.filter(|heir| !has_it(heir)) {
            let inherited = Delivery { recipient, ..delivery.clone() };
            return inherited.moved_to(MailState::Inbox, at);
        }
        let reason = format!("branch `{name}` was deleted");
        delivery.clone().moved_to(MailState::DeadLetter { reason }, at)
    }

    pub(super) fn find(&self, query: &MailQuery) -> Vec<Delivery> {
        let limit = query.limit.min(limits::READ_MAIL_MAX);
        let of = |no: &u64| self.delivery(*no);
        let only = |is: fn(MailPlace) -> bool| {
            !query.places.is_empty() && query.places.iter().all(|place| is(*place))
        };
        let after = query.after.saturating_add(1);
        match (query.mail, query.recipient, query.sender) {
            (Some(mail), ..) => collect(self.all_of(mail), query, limit),
            (None, None, Some(sender)) if only(MailPlace::is_unsent) => {
                let numbers: BTreeSet<u64> = self.unsent_of(sender).collect();
                collect(numbers.iter().filter_map(of), query, limit)
            }
            (None, Some(recipient), _) if only(MailPlace::is_waiting) => {
                let waiting = self.waiting.get(&recipient).into_iter();
                let waiting = waiting.flat_map(|waiting| waiting.range(after..));
                collect(waiting.filter_map(of), query, limit)
            }
            _ => collect(self.deliveries.iter().skip(index(after)), query, limit),
        }
    }

    fn unsent_to(&self, sender: BranchId, recipient: BranchId) -> impl Iterator<Item = u64> + '_ {
        let way = (sender, recipient, 0)..=(sender, recipient, u64::MAX);
        self.unsent.range(way).map(|(_, _, no)| *no)
    }

    fn unsent_of(&self, sender: BranchId) -> impl Iterator<Item = u64> + '_ {
        let all = self.unsent.range((sender, BranchId::from_bits(0), 0)..);
        all.take_while(move |(of, ..)| *of == sender).map(|(_, _, no)| *no)
    }

    /// All deliveries, in the order in which they were sent.
    pub(super) fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// The number of the next delivery.
    fn next_no(&self) -> u64 {
        self.deliveries.len() as u64 + 1
    }

    /// Keeps `delivery` in the place of what was known of it.
    pub(super) fn put(&mut self, delivery: Delivery) {
        let (no, recipient, sender) = (delivery.no, delivery.recipient, delivery.mail.sender);
        let place = delivery.state.place();
        match self.deliveries.get_mut(index(no)) {
            Some(known) => {
                let before = std::mem::replace(known, delivery);
                self.unlist(&before);
            }
            None => self.deliveries.push(delivery),
        }
        if place.is_waiting() {
            self.waiting.entry(recipient).or_default().insert(no);
        }
        if place.is_unsent() {
            self.unsent.insert((sender, recipient, no));
        }
    }

    fn unlist(&mut self, delivery: &Delivery) {
        let place = delivery.state.place();
        if place.is_waiting()
            && let Some(waiting) = self.waiting.get_mut(&delivery.recipient)
        {
            waiting.remove(&delivery.no);
        }
        if place.is_unsent() {
            self.unsent.remove(&(delivery.mail.sender, delivery.recipient, delivery.no));
        }
    }
}

/// Where the delivery of that number is.
fn index(no: u64) -> usize {
    usize::try_from(no.saturating_sub(1)).unwrap_or(usize::MAX)
}

fn collect<'a>(
    deliveries: impl Iterator<Item = &'a Delivery>,
    query: &MailQuery,
    limit: usize,
) -> Vec<Delivery> {
    deliveries.filter(|delivery| query.selects(delivery)).take(limit).cloned().collect()
}
