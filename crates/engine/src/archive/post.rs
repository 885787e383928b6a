//! Mail on its way into a store: each delivery is sent anew, and goes the way that it went.

use std::{collections::BTreeSet, sync::Arc};

use branchwork_core::{
    clock::Timestamp,
    id::{BranchId, MailId, SessionId},
    limits::READ_MAIL_MAX,
    mail::{Mail, MailChange, MailQuery, MailState},
    store::{Commit, Conflict, Store},
};

use super::{
    mail_line::{Stage, sending},
    steps::steps,
};
use crate::error::Result;

/// Deliveries that are committed at once; a mail that has more is committed alone.
const DELIVERIES: usize = 2_000;

/// Bytes of lines that are committed at once.
const BYTES: usize = 4 * 1024 * 1024;

/// Mail that is not committed yet.
pub(super) struct Post<'a> {
    store: &'a dyn Store,
    session: SessionId,
    mails: BTreeSet<MailId>,
    /// What is committed, one after the other: no commit changes a delivery twice.
    rounds: Vec<Vec<MailChange>>,
    deliveries: usize,
    bytes: usize,
}

impl<'a> Post<'a> {
    pub(super) const fn new(store: &'a dyn Store, session: SessionId) -> Self {
        Self { store, session, mails: BTreeSet::new(), rounds: Vec::new(), deliveries: 0, bytes: 0 }
    }

    /// Where `mail` is in the store; `None` when it is not.
    pub(super) async fn find(&self, mail: &Arc<Mail>) -> Result<Option<Vec<Stage>>> {
        let mut query = MailQuery::new().of(mail.id);
        let mut stages = Vec::new();
        loop {
            let page = self.store.mail(self.session, &query).await?;
            if let Some(other) = page.first().filter(|found| found.mail != *mail) {
                let what = format!("mail {}", other.mail.id);
                return Err(Conflict::Exists { what }.into());
            }
            let is_last = page.len() < READ_MAIL_MAX;
            query.after = page.last().map_or(query.after, |last| last.no);
            stages.extend(page.into_iter().map(Stage::from));
            if is_last {
                return Ok((!stages.is_empty()).then_some(stages));
            }
        }
    }

    /// Adds the `ways` of a mail; its line has that many bytes.
    pub(super) async fn add(&mut self, mail: MailId, ways: Vec<Way>, bytes: usize) -> Result<()> {
        if self.deliveries + ways.len() > DELIVERIES || self.bytes + bytes > BYTES {
            self.settle().await?;
        }
        self.mails.insert(mail);
        self.deliveries += ways.len();
        self.bytes += bytes;
        for way in ways {
            for (round, change) in (way.first..).zip(way.changes) {
                self.put(round, change);
            }
        }
        Ok(())
    }

    /// Whether a mail was added and is not committed yet.
    pub(super) fn holds(&self, mail: MailId) -> bool {
        self.mails.contains(&mail)
    }

    fn put(&mut self, round: usize, change: MailChange) {
        if self.rounds.len() <= round {
            self.rounds.resize_with(round + 1, Vec::new);
        }
        if let Some(changes) = self.rounds.get_mut(round) {
            changes.push(change);
        }
    }

    /// Commits what was added.
    pub(super) async fn settle(&mut self) -> Result<()> {
        self.mails.clear();
        (self.deliveries, self.bytes) = (0, 0);
        for changes in std::mem::take(&mut self.rounds) {
            let Some(at) = changes.iter().map(time).max() else { continue };
            let commit = Commit::new(self.session, at).with_mail(changes);
            self.store.commit(commit).await?;
        }
        Ok(())
    }
}

/// Changes that are made one after the other.
pub(super) struct Way {
    /// The round of the first one.
    first: usize,
    changes: Vec<MailChange>,
}

impl Way {
    /// The branches that must be there.
    pub(super) fn branches(&self) -> impl Iterator<Item = BranchId> + '_ {
        self.changes.iter().flat_map(|change| match change {
            MailChange::Send { mail, recipients, .. } => {
                recipients.iter().copied().chain([mail.sender]).collect()
            }
            MailChange::Readdress { to, .. } => vec![*to],
            _ => Vec::new(),
        })
    }
}

/// What brings `mail` from where it is `known` to be, when it is there, to where it is `told` to be. An
/// error says that no way leads there.
pub(super) fn ways(
    mail: &Arc<Mail>,
    known: Option<Vec<Stage>>,
    told: Vec<Stage>,
) -> std::result::Result<Vec<Way>, String> {
    let mut ways = Vec::new();
    let here = match known {
        Some(known) if known.len() == told.len() => known,
        Some(_) => return Err(format!("tells of mail {}, which is for others here", mail.id)),
        None => {
            ways.push(Way { first: 0, changes: vec![sending(mail, &told)] });
            told.iter().map(|stage| unsent(mail, stage)).collect()
        }
    };
    let mut first = ways.len();
    let (movers, others): (Vec<_>, Vec<_>) =
        here.into_iter().zip(told).partition(|(here, told)| here.recipient != told.recipient);
    for (here, told) in &others {
        ways.push(Way { first, changes: steps(mail.id, here, told)? });
    }
    for (here, told) in &in_turn(movers) {
        let changes = steps(mail.id, here, told)?;
        let next = first + changes.len();
        ways.push(Way { first, changes });
        first = next;
    }
    Ok(ways)
}

/// Where a mail for the recipient of `stage` begins. A clock that was set back may say that it went on before it
/// was sent.
fn unsent(mail: &Mail, stage: &Stage) -> Stage {
    let (state, since, delivered) = (MailState::Outbox, mail.sent.min(stage.since), None);
    Stage { recipient: stage.recipient, state, since, delivered }
}

/// Deliveries that go to other branches, in an order in which none goes where another one is.
fn in_turn(mut movers: Vec<(Stage, Stage)>) -> Vec<(Stage, Stage)> {
    let mut held: BTreeSet<_> = movers.iter().map(|(here, _)| here.recipient).collect();
    let mut ordered = Vec::with_capacity(movers.len());
    while !movers.is_empty() {
        let is_free = |(_, told): &(Stage, Stage)| !held.contains(&told.recipient);
        // When they go in a circle, the store says so.
        let next = movers.swap_remove(movers.iter().position(is_free).unwrap_or_default());
        held.remove(&next.0.recipient);
        ordered.push(next);
    }
    ordered
}

fn time(change: &MailChange) -> Timestamp {
    match change {
        MailChange::Move { at, .. } | MailChange::Readdress { at, .. } => *at,
        MailChange::Send { mail, .. } => mail.sent,
        _ => Timestamp::from_micros(0),
    }
}
