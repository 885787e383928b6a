//! Taking in what waits, page by page and commit by commit.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use branchwork_core::{
    clock::Timestamp,
    graph::{Extent, StepWriter, View},
    id::BranchId,
    limits::{CALLS_PER_ANSWER_MAX, COMMIT_OPS_MAX, READ_MAIL_MAX},
    mail::{Category, Delivery, Mail, MailChange, MailPlace, MailQuery, MailState},
    store::Commit,
};

use super::{
    Left, LeftReason, Receive, Received, Taken,
    effect::{Effect, Known, OPS_BESIDE_MESSAGES_MAX, messages_of},
    inbox::moved,
};
use crate::{
    branch::{Beside, Branch, Part, State, Turns},
    error::{Error, Result},
    session::BranchNames,
};

/// Ops of one commit, beside the results of calls that it closes.
const BATCH_OPS_MAX: usize = COMMIT_OPS_MAX - CALLS_PER_ANSWER_MAX;

/// Mail that is being taken in, with the right to change the branch.
#[derive(Debug)]
pub(super) struct Intake {
    wish: Receive,
    senders: Option<Vec<BranchId>>,
    names: BranchNames,
    turns: Turns,
    state: State,
    received: Received,
    /// What is looked at next.
    query: MailQuery,
}

impl Intake {
    pub(super) async fn begin(wish: Receive) -> Result<Self> {
        let branch = &wish.branch;
        for mail in wish.only.iter().flatten() {
            branch.delivery(*mail).await?;
        }
        let senders = branch.senders(&wish.from).await?;
        let branches = branch.engine().store().branches(branch.session_id()).await?;
        let names = branches.into_iter().collect();
        let turns = branch.shared().turns().await;
        let state = branch.refresh().await?;
        let received = Received { taken: Vec::new(), left: Vec::new(), head: None };
        let query = MailQuery::new().to(branch.id()).in_place(MailPlace::Inbox);
        Ok(Self { wish, senders, names, turns, state, received, query })
    }

    /// Reads where the branch is now.
    pub(super) async fn refresh(&mut self) -> Result<()> {
        self.state = self.wish.branch.refresh().await?;
        Ok(())
    }

    /// Takes in one page of what waits, and answers whether there may be more.
    pub(super) async fn take_page(&mut self) -> Result<bool> {
        let branch = &self.wish.branch;
        let page = branch.engine().store().mail(branch.session_id(), &self.query).await?;
        let end = page.last().filter(|_| page.len() == READ_MAIL_MAX).map(|last| last.no);
        let is_meant = |delivery: &Delivery| self.wish.means(delivery, self.senders.as_deref());
        let mut waiting: VecDeque<_> = page.into_iter().filter(is_meant).collect();
        while !waiting.is_empty() {
            self.take_batch(&mut waiting).await?;
        }
        self.query.after = end.unwrap_or(self.query.after);
        Ok(end.is_some())
    }

    /// Takes in from the front of `waiting` what one commit can hold.
    async fn take_batch(&mut self, waiting: &mut VecDeque<Delivery>) -> Result<()> {
        let (branch, accept) = (&self.wish.branch, self.wish.accept.as_ref());
        let batch = Batch::of((branch, &self.names), &self.state, accept, waiting)?;
        let last = batch.last;
        let (taken, left, state) = batch.write(branch, &self.turns, self.state.clone()).await?;
        self.received.taken.extend(taken);
        self.received.left.extend(left);
        self.state = state;
        self.query.after = last;
        Ok(())
    }

    /// What came of it.
    pub(super) fn end(self) -> Received {
        Received { head: self.state.view.head(), ..self.received }
    }
}

/// Mail that is taken in by one commit.
#[derive(Debug)]
struct Batch {
    taken: Vec<(Arc<Mail>, Known, Effect)>,
    left: Vec<Left>,
    /// What happens to mail that has no receipt in this commit.
    settled: Vec<MailChange>,
    /// The number of the last delivery that was looked at.
    last: u64,
    at: Timestamp,
}

impl Batch {
    /// Takes from the front of `waiting` what one commit can hold.
    fn of(
        (branch, names): (&Branch, &BranchNames),
        state: &State,
        accept: Option<&BTreeSet<Category>>,
        waiting: &mut VecDeque<Delivery>,
    ) -> Result<Self> {
        let at = branch.engine().now();
        let (taken, left, settled) = (Vec::new(), Vec::new(), Vec::new());
        let mut batch = Self { taken, left, settled, last: 0, at };
        let mut ops = 0;
        while let Some(delivery) = waiting.pop_front() {
            ops += OPS_BESIDE_MESSAGES_MAX + messages_of(&delivery.mail);
            if ops > BATCH_OPS_MAX && batch.last > 0 {
                waiting.push_front(delivery);
                break;
            }
            batch.last = delivery.no;
            batch.look_at((branch, names), &state.view, accept, &delivery)?;
        }
        Ok(batch)
    }

    /// Decides what becomes of one mail.
    fn look_at(
        &mut self,
        (branch, names): (&Branch, &BranchNames),
        view: &View,
        accept: Option<&BTreeSet<Category>>,
        delivery: &Delivery,
    ) -> Result<()> {
        let mail = Arc::clone(&delivery.mail);
        let category = mail.package.category();
        let reason = if let Some(receipt) = view.receipt(mail.id) {
            // It came with the history of another branch.
            self.settled.push(moved(delivery, MailState::Applied { receipt }, self.at));
            self.taken.push((mail, Some(receipt), Effect::default()));
            return Ok(());
        } else if mail.is_expired(self.at) {
            self.settled.push(moved(delivery, MailState::Expired, self.at));
            LeftReason::Expired
        } else if accept.is_some_and(|accept| !accept.contains(&category)) {
            LeftReason::NotAccepted
        } else {
            match Effect::of((branch, names), &mail) {
                Ok(effect) => {
                    self.taken.push((mail, None, effect));
                    return Ok(());
                }
                Err(error @ Error::Store(_)) => return Err(error),
                Err(error) => LeftReason::Failed(error),
            }
        };
        self.left.push(Left { mail, reason });
        Ok(())
    }

    /// Writes all of it, and answers what was taken in, what was not, and where the branch is then.
    async fn write(
        self,
        branch: &Branch,
        turns: &Turns,
        state: State,
    ) -> Result<(Vec<Taken>, Vec<Left>, State)> {
        let Self { taken, left, settled, at, .. } = self;
        let is_new = taken.iter().any(|(_, known, _)| known.is_none());
        if !is_new {
            if !settled.is_empty() {
                let commit = Commit::new(branch.session_id(), at).with_mail(settled);
                branch.engine().store().commit(commit).await?;
            }
            let old = |(mail, known, _): (_, Known, _)| {
                Some(Taken { mail, receipt: known?, messages: Vec::new() })
            };
            return Ok((taken.into_iter().filter_map(old).collect(), left, state));
        }
        let state = branch.close_unfinished(turns, state).await?;
        let mut tools = Vec::new();
        let write = |step: &mut StepWriter<'_>| {
            let mut written = Vec::with_capacity(taken.len());
            for (mail, known, effect) in taken {
                written.push(effect.write(step, (mail, known), &mut tools)?);
            }
            Ok(written)
        };
        let beside = Beside { mail: settled, ..Beside::default() };
        let part = Part { beside, ..Extent::Whole.into() };
        let (taken, state) = branch.write_step(turns, state, part, write).await?;
        if !tools.is_empty() {
            branch.engine().tool_sets().own(branch.session_id(), branch.id()).adopt_all(tools);
        }
        Ok((taken, left, state))
    }
}
