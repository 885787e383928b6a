//! Changes of mail: all of a commit are checked before the first is written.

use branchwork_core::{
    clock::Timestamp,
    id::{BranchId, MailId},
    mail::{Mail, MailChange, MailPlace, MailState},
    store::{Conflict, StoreError},
};
use rusqlite::Connection;

use super::prepare::Prepared;
use crate::{
    error::{Answer, Failure},
    key::{DeliveryNo, SessionNo, branch_bytes, mail_bytes},
    query::{
        branch::check_own,
        delivery::{self, DeliveryRow, StateColumns},
        envelope,
    },
};

/// A change that may be written.
pub(super) enum Plan<'a> {
    Send { mail: &'a Mail, envelope: &'a str, recipients: &'a [BranchId], at_once: bool },
    Move { delivery: DeliveryNo, from: &'a MailState, to: &'a MailState, at: Timestamp },
    Readdress { delivery: DeliveryNo, to: BranchId, at: Timestamp },
}

/// Checks the changes of a commit. Those that were written before are not among the plans.
pub(super) fn check<'a>(
    db: &Connection,
    session: SessionNo,
    prepared: &'a Prepared,
) -> Answer<Vec<Plan<'a>>> {
    let check = Check { db, session };
    let mut envelopes = prepared.envelopes.iter();
    let mut plans = Vec::with_capacity(prepared.commit.mail.len());
    for change in &prepared.commit.mail {
        let plan = match change {
            MailChange::Send { mail, recipients, at_once } => {
                let envelope = envelopes.next().map(String::as_str).unwrap_or_default();
                let is_new = check.send(mail, recipients)?;
                is_new.then_some(Plan::Send { mail, envelope, recipients, at_once: *at_once })
            }
            MailChange::Move { mail, recipient, from, to, at } => {
                let delivery = check.go((*mail, *recipient), (from, to), *at)?;
                delivery.map(|delivery| Plan::Move { delivery, from, to, at: *at })
            }
            MailChange::Readdress { mail, from, to, at } => {
                let delivery = check.readdress(*mail, (*from, *to), *at)?;
                delivery.map(|delivery| Plan::Readdress { delivery, to: *to, at: *at })
            }
            _ => return Err(StoreError::invalid("a change of mail of an unknown kind").into()),
        };
        plans.extend(plan);
    }
    Ok(plans)
}

/// Writes changes that were checked, in order.
pub(super) fn write(db: &Connection, session: SessionNo, plans: &[Plan<'_>]) -> Answer<()> {
    for plan in plans {
        match plan {
            Plan::Send { mail, envelope, recipients, at_once } => {
                send(db, (session, mail, envelope), recipients, *at_once)?;
            }
            Plan::Move { delivery, from, to, at } => go(db, *delivery, (from, to), *at)?,
            Plan::Readdress { delivery, to, at } => readdress(db, *delivery, *to, *at)?,
        }
    }
    Ok(())
}

/// Where the changes of one commit are checked.
struct Check<'a> {
    db: &'a Connection,
    session: SessionNo,
}

impl Check<'_> {
    /// Whether `mail` was not sent before.
    fn send(&self, mail: &Mail, recipients: &[BranchId]) -> Answer<bool> {
        if let Some(row) = envelope::find(self.db, mail.id)? {
            let is_same = row.session == self.session
                && envelope::read(self.db, row.no)?.as_ref() == Some(mail);
            let what = format!("mail {}", mail.id);
            return if is_same { Ok(false) } else { Err(exists(what)) };
        }
        check_own(self.db, self.session, mail.sender)?;
        recipients.iter().try_for_each(|id| check_own(self.db, self.session, *id))?;
        Ok(true)
    }

    /// The delivery that goes on; `None` when it did before.
    fn go(
        &self,
        (mail, recipient): (MailId, BranchId),
        (from, to): (&MailState, &MailState),
        at: Timestamp,
    ) -> Answer<Option<DeliveryNo>> {
        match self.find(mail, recipient)? {
            Some(found) if found.state == *from => Ok(Some(found.no)),
            Some(found) if found.state == *to && found.since == at => Ok(None),
            found => Err(moved(mail, recipient, found.as_ref())),
        }
    }

    /// The delivery that goes to another branch; `None` when it did before.
    fn readdress(
        &self,
        mail: MailId,
        (from, to): (BranchId, BranchId),
        at: Timestamp,
    ) -> Answer<Option<DeliveryNo>> {
        check_own(self.db, self.session, to)?;
        let (old, new) = (self.find(mail, from)?, self.find(mail, to)?);
        let may_go = |old: &DeliveryRow| {
            let place = old.state.place();
            place.is_waiting() || place == MailPlace::DeadLetter
        };
        match (old, new) {
            (None, Some(new)) if new.state == MailState::Inbox && new.since == at => Ok(None),
            (Some(old), new) if may_go(&old) => match new {
                Some(_) if from != to => Err(exists(format!("mail {mail} for branch {to}"))),
                _ => Ok(Some(old.no)),
            },
            (old, _) => Err(moved(mail, from, old.as_ref())),
        }
    }

    fn find(&self, mail: MailId, recipient: BranchId) -> Answer<Option<DeliveryRow>> {
        match envelope::find(self.db, mail)? {
            Some(row) if row.session == self.session => delivery::find(self.db, &row, recipient),
            _ => Ok(None),
        }
    }
}

fn exists(what: String) -> Failure {
    StoreError::from(Conflict::Exists { what }).into()
}

fn moved(mail: MailId, recipient: BranchId, found: Option<&DeliveryRow>) -> Failure {
    StoreError::mail_moved(mail, recipient, found.map(|found| found.state.place())).into()
}

fn send(
    db: &Connection,
    (session, mail, envelope): (SessionNo, &Mail, &str),
    recipients: &[BranchId],
    at_once: bool,
) -> Answer<()> {
    let first = next_no(db)?;
    let sender = branch_bytes(mail.sender);
    let (sent, expires) = (mail.sent.as_micros(), mail.expires.map(Timestamp::as_micros));
    let count = i64::try_from(recipients.len()).unwrap_or(i64::MAX);
    let id = mail_bytes(mail.id);
    db.prepare_cached(
        "INSERT INTO mail (no, id, session, sender, sent, expires, deliveries, envelope)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((first, id, session, sender, sent, expires, count, envelope))?;
    let mut insert = db.prepare_cached(
        "INSERT INTO delivery (no, mail, sender, recipient, state, since, delivered)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let state = if at_once { MailState::Inbox } else { MailState::Outbox };
    let place = StateColumns::of(&state)?.place;
    let (unsent_from, delivered) = if at_once { (None, Some(sent)) } else { (Some(sender), None) };
    for (count, recipient) in (0..).zip(recipients) {
        if at_once {
            deliver(db, mail.sender, *recipient, sent)?;
        }
        let no = first.plus(count);
        insert.execute((
            no,
            first,
            unsent_from,
            branch_bytes(*recipient),
            place,
            sent,
            delivered,
        ))?;
    }
    Ok(())
}

/// The number of the next delivery.
fn next_no(db: &Connection) -> Answer<DeliveryNo> {
    let mut statement = db.prepare_cached("SELECT coalesce(max(no), 0) + 1 FROM delivery")?;
    Ok(statement.query_row((), |row| row.get(0))?)
}

/// Brings what `sender` has on the way to `recipient` into the inbox.
fn deliver(db: &Connection, sender: BranchId, recipient: BranchId, at: i64) -> Answer<()> {
    db.prepare_cached(
        "UPDATE delivery INDEXED BY delivery_unsent
         SET state = 2, since = ?3, delivered = coalesce(delivered, ?3), sender = NULL
         WHERE sender = ?1 AND recipient = ?2 AND state <= 1",
    )?
    .execute((branch_bytes(sender), branch_bytes(recipient), at))?;
    Ok(())
}

/// Moves a delivery, unless an earlier change of the commit took it along.
fn go(
    db: &Connection,
    delivery: DeliveryNo,
    (from, to): (&MailState, &MailState),
    at: Timestamp,
) -> Answer<()> {
    let (from, to) = (StateColumns::of(from)?, StateColumns::of(to)?);
    db.prepare_cached(
        "UPDATE delivery
         SET state = ?3, since = ?4, reason = ?5, receipt = ?6, sender = iif(?3 <= 1, sender, NULL),
             delivered = iif(?3 = 2, coalesce(delivered, ?4), delivered)
         WHERE no = ?1 AND state = ?2",
    )?
    .execute((delivery, from.place, to.place, at.as_micros(), to.reason, to.receipt))?;
    Ok(())
}

fn readdress(db: &Connection, delivery: DeliveryNo, to: BranchId, at: Timestamp) -> Answer<()> {
    db.prepare_cached(
        "UPDATE delivery
         SET recipient = ?2, state = 2, since = ?3, reason = NULL, receipt = NULL, sender = NULL,
             delivered = coalesce(delivered, ?3)
         WHERE no = ?1",
    )?
    .execute((delivery, branch_bytes(to), at.as_micros()))?;
    Ok(())
}
