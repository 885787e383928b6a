//! Making changes of mail.

use std::sync::Arc;

use branchwork_core::{
    clock::Clock as _,
    config::ConfigPatch,
    graph::{Extent, StepWriter},
    id::{BranchId, IdSource as _, MailId, OpId, SessionId},
    mail::{Delivery, Mail, MailChange, MailPlace, MailQuery, MailState, Package},
    store::{Cause, Commit, HeadMove, Store as _},
};
use serde_json::json;

use super::{MailPiece, World, choose};

impl World {
    /// The commit that changes mail of the session of a branch.
    pub(super) async fn mail_commit(&self, branch: u8, pieces: &[MailPiece]) -> Option<Commit> {
        let (session, _) = *choose(&self.branches, branch)?;
        let mut changes = Vec::new();
        for piece in pieces {
            changes.extend(self.change(session, piece).await);
        }
        Some(self.commit(session).with_mail(changes))
    }

    async fn change(&self, session: SessionId, piece: &MailPiece) -> Option<MailChange> {
        match piece {
            MailPiece::Send(sender, recipients, way) => {
                let mail = self.mail(session, *sender, *way)?;
                let count = recipients % 4;
                let recipients = (0..count).filter_map(|count| {
                    self.branch_of(session, recipients.wrapping_add(count.wrapping_mul(way / 5)))
                });
                let recipients = recipients.collect();
                Some(MailChange::Send { mail, recipients, at_once: way % 2 == 0 })
            }
            MailPiece::Move(number, place) => {
                let found = self.delivery(session, *number).await?;
                let to = self.state(&found, place / 8).await?;
                let from = if place % 8 == 0 { MailState::Inbox } else { found.state };
                let (mail, recipient, at) = (found.mail.id, found.recipient, self.clock.now());
                Some(MailChange::Move { mail, recipient, from, to, at })
            }
            MailPiece::Readdress(number, to) => {
                let found = self.delivery(session, *number).await?;
                let (mail, from) = (found.mail.id, found.recipient);
                let (to, at) = (self.branch_of(session, *to)?, self.clock.now());
                Some(MailChange::Readdress { mail, from, to, at })
            }
        }
    }

    /// A branch of the session mostly, whether it is there or not.
    fn branch_of(&self, session: SessionId, number: u8) -> Option<BranchId> {
        let all = self.branches.iter();
        let own: Vec<_> = all.filter(|(of, _)| *of == session || number > 250).collect();
        choose(&own, number).map(|(_, branch)| *branch)
    }

    fn mail(&self, session: SessionId, sender: u8, way: u8) -> Option<Arc<Mail>> {
        let package = match way % 7 {
            0 => Package::from(json!({"plan": way})),
            1 => Package::Signal(format!("signal {way}")),
            2 => Package::Tools(vec!["look".to_owned()]),
            3 => Package::from(ConfigPatch::default().with_model(None, "another")),
            4 => Package::from("hay stack ".repeat(500)),
            _ => Package::from(format!("été {way}")),
        };
        let (id, sender) = (self.ids.next_bits(), self.branch_of(session, sender)?);
        let (id, sent) = (MailId::from_bits(id), self.clock.now());
        let expires = way.is_multiple_of(3).then_some(sent);
        Some(Arc::new(Mail { id, sender, package, reply_to: None, sent, expires }))
    }

    /// One of the deliveries of a session.
    async fn delivery(&self, session: SessionId, number: u8) -> Option<Delivery> {
        let all = self.memory.mail(session, &MailQuery::new()).await.ok()?;
        choose(&all, number).cloned()
    }

    /// A state that a delivery may be told to go to.
    async fn state(&self, delivery: &Delivery, number: u8) -> Option<MailState> {
        let reason = format!("reason {number}");
        Some(match choose(&MailPlace::ALL, number)? {
            MailPlace::Outbox => MailState::Outbox,
            MailPlace::Transit => MailState::Transit,
            MailPlace::Inbox => MailState::Inbox,
            MailPlace::Applied => MailState::Applied { receipt: self.receipt(delivery).await? },
            MailPlace::Refused => MailState::Refused { reason },
            MailPlace::Expired => MailState::Expired,
            _ => MailState::DeadLetter { reason },
        })
    }

    /// The head of the recipient.
    async fn receipt(&self, delivery: &Delivery) -> Option<OpId> {
        self.memory.branch(delivery.recipient).await.ok()?.head
    }

    /// The commit that takes in what waits for a branch, at most some of it.
    pub(super) async fn receive_commit(&self, number: u8, count: u8) -> Option<Commit> {
        let (record, view) = self.branch(number).await?;
        let query = MailQuery::new().to(record.id).in_place(MailPlace::Inbox);
        let waiting = self.memory.mail(record.session, &query).await.ok()?;
        let at = self.clock.now();
        let mut writer = StepWriter::after(view, record.tip, &self.ids, at);
        let mut changes = Vec::new();
        for delivery in waiting.iter().take(usize::from(count % 4)) {
            // What was taken in before, and undone by a move of the mail alone, is left out.
            let Ok(receipt) = writer.receive(delivery.mail.id) else { continue };
            let (from, to) = (MailState::Inbox, MailState::Applied { receipt });
            let (mail, recipient) = (delivery.mail.id, record.id);
            changes.push(MailChange::Move { mail, recipient, from, to, at });
        }
        let (ops, view) = writer.finish(Extent::Whole);
        let to = view.head();
        let head = HeadMove { branch: record.id, from: record.head, to, cause: Cause::Append };
        let commit = self.commit(record.session).with_mail(changes);
        Some(if ops.is_empty() { commit } else { commit.with_ops(ops, head) })
    }
}
