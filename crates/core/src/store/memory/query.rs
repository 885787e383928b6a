//! Reading, checking and collecting what the memory store keeps.

use std::{
    collections::BTreeMap,
    ops::{Bound, Range},
};

use super::{
    super::{
        BranchRecord, GcReport, Hit, ReflogEntry, Search, SessionRecord, StoreError, StoreStats,
        VerifyReport, search,
    },
    state::State,
};
use crate::{
    call::{CallRecord, ModelCall},
    graph::{Op, View},
    id::{BranchId, MessageId, OpId, SessionId, StretchId},
    limits,
    mail::{Delivery, MailQuery},
};

impl State {
    pub(super) fn sessions(&self) -> Vec<SessionRecord> {
        let mut sessions: Vec<_> =
            self.sessions.keys().filter_map(|id| self.session_record(*id).ok()).collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.updated));
        sessions
    }

    pub(super) fn session_record(&self, id: SessionId) -> Result<SessionRecord, StoreError> {
        let session = self.session(id)?;
        let branches = self.branches(id)?;
        Ok(SessionRecord {
            id,
            name: session.name.clone(),
            created: session.created,
            updated: session.updated,
            archived: session.archived,
            default_branch: session.default_branch,
            defaults: session.defaults.clone(),
            branches: u32::try_from(branches.len()).unwrap_or(u32::MAX),
            messages: self.distinct_messages(id, &branches),
        })
    }

    pub(super) fn branches(&self, session: SessionId) -> Result<Vec<BranchRecord>, StoreError> {
        let ids = self.session(session)?.branches.iter();
        Ok(ids.filter_map(|id| self.branch_record(*id).ok()).collect())
    }

    pub(super) fn branch_record(&self, id: BranchId) -> Result<BranchRecord, StoreError> {
        let record = &self.branch(id)?.record;
        self.session(record.session).map_err(|_error| StoreError::no_branch(id))?;
        Ok(record.clone())
    }

    pub(super) fn ops(
        &self,
        session: SessionId,
        stretch: StretchId,
        places: Range<u32>,
    ) -> Vec<Op> {
        let known = self.session(session).ok();
        let stretch = known.and_then(|_| self.stretches.get(&(session, stretch)));
        let Some(stretch) = stretch else { return Vec::new() };
        let end = places.end.min(places.start.saturating_add(limits::READ_OPS_MAX)) as usize;
        let end = end.min(stretch.ops.len());
        stretch.ops.get(places.start as usize..end).unwrap_or_default().to_vec()
    }

    pub(super) fn reflog(
        &self,
        branch: BranchId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<ReflogEntry>, StoreError> {
        let branch = self.branch(branch)?;
        self.session(branch.record.session)
            .map_err(|_error| StoreError::no_branch(branch.record.id))?;
        let reflog = &branch.reflog;
        let older = reflog.partition_point(|entry| entry.revision < before);
        Ok(reflog.iter().take(older).rev().take(limit).cloned().collect())
    }

    pub(super) fn search(&self, search: &Search) -> Vec<Hit> {
        let mut hits: Vec<_> = self
            .stretches
            .iter()
            .filter(|((session, _), _)| search.session.is_none_or(|wanted| wanted == *session))
            .filter(|((session, _), _)| self.session(*session).is_ok())
            .flat_map(|((session, _), stretch)| {
                stretch
                    .ops
                    .iter()
                    .filter_map(|op| search::hit(search, *session, stretch.branch, op))
            })
            .collect();
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.at));
        hits.truncate(search.limit.min(limits::SEARCH_HITS_MAX));
        hits
    }

    pub(super) fn calls(
        &self,
        session: SessionId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.session(session)?;
        let first =
            after.map_or(Bound::Included(OpId::from_bits(0)), |id| Bound::Excluded(id.op()));
        let first = first.map(|op| (session, op));
        let last = Bound::Included((session, OpId::from_bits(u128::MAX)));
        let record = |answer: OpId, call: &ModelCall| {
            let branch = self.stretches.get(&(session, answer.stretch()))?.branch;
            let at = self.op(session, answer)?.at;
            Some(CallRecord { answer: answer.into(), session, branch, at, call: call.clone() })
        };
        let calls = self.calls.range((first, last));
        let records = calls.filter_map(|((_, answer), call)| record(*answer, call));
        Ok(records.take(limit).collect())
    }

    pub(super) fn mail(
        &self,
        session: SessionId,
        query: &MailQuery,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.session(session)?;
        Ok(self.mailroom.find(session, query))
    }

    pub(super) fn verify(&self) -> VerifyReport {
        let ops = self.stretches.values().map(|stretch| stretch.ops.len() as u64).sum();
        let mut report = VerifyReport { ops, problems: Vec::new() };
        let live = self.branches.values().filter(|branch| !branch.deleted);
        for record in live.map(|branch| &branch.record) {
            if self.session(record.session).is_err() {
                continue;
            }
            if let Err(problem) = self.fold(record.session, record.head) {
                report.problems.push(format!("branch {}: {problem}", record.id));
            }
        }
        for (session, no, recipient, receipt) in self.mailroom.receipts() {
            let is_live =
                self.session(session).is_ok() && self.own_branch(session, recipient).is_ok();
            if is_live && self.op(session, receipt).is_none() {
                let problem = format!("delivery {no}: its receipt {receipt} is not there");
                report.problems.push(problem);
            }
        }
        report
    }

    fn fold(&self, session: SessionId, head: Option<OpId>) -> Result<View, String> {
        let mut view = View::default();
        let Some(head) = head else { return Ok(view) };
        let lineage = self.lineage(session, head).map_err(|error| error.to_string())?;
        for segment in lineage.segments() {
            let stretch = self.stretches.get(&(session, segment.stretch));
            let ops = stretch.map(|stretch| stretch.ops.as_slice()).unwrap_or_default();
            ops.iter().take(segment.length as usize).try_for_each(|op| check_op(&mut view, op))?;
        }
        Ok(view)
    }

    pub(super) fn stats(&self) -> StoreStats {
        let count = |length: usize| length as u64;
        StoreStats {
            sessions: count(self.sessions.values().filter(|session| !session.deleted).count()),
            branches: count(self.sessions().iter().map(|session| session.branches as usize).sum()),
            ops: self.stretches.values().map(|stretch| count(stretch.ops.len())).sum(),
            blobs: 0,
            bytes: 0,
        }
    }

    /// Counts the messages on the way to any head once.
    fn distinct_messages(&self, session: SessionId, branches: &[BranchRecord]) -> u64 {
        let mut messages: i64 = 0;
        for (stretch, length) in self.reached(session, branches.iter().filter_map(|b| b.head)) {
            let standing = |op: Option<OpId>| {
                op.and_then(|op| self.op(session, op)).map_or(0, |op| op.standing)
            };
            let parent = self.stretches.get(&(session, stretch)).and_then(|s| s.parent);
            let last = stretch.op(length.saturating_sub(1));
            messages += i64::from(standing(Some(last))) - i64::from(standing(parent));
        }
        u64::try_from(messages).unwrap_or_default()
    }

    /// How far each stretch is reached from `ops`.
    fn reached(
        &self,
        session: SessionId,
        ops: impl Iterator<Item = OpId>,
    ) -> BTreeMap<StretchId, u32> {
        let mut reached = BTreeMap::new();
        ops.for_each(|op| self.reach(session, op, &mut reached));
        reached
    }

    /// Follows the way from `op` to the root until it was followed before.
    fn reach(&self, session: SessionId, op: OpId, reached: &mut BTreeMap<StretchId, u32>) {
        let mut at = Some(op);
        while let Some(op) = at {
            let length = reached.entry(op.stretch()).or_insert(0);
            if *length > op.place() {
                return;
            }
            *length = op.place() + 1;
            at = self.stretches.get(&(session, op.stretch())).and_then(|s| s.parent);
        }
    }

    pub(super) fn gc(&mut self) -> GcReport {
        let mut report = GcReport::default();
        let dead: Vec<_> =
            self.sessions.iter().filter(|(_, s)| s.deleted).map(|(id, _)| *id).collect();
        for id in dead {
            self.sessions.remove(&id);
            self.mailroom.forget(id);
            report.sessions += 1;
        }
        let before = self.branches.len();
        let sessions = &self.sessions;
        self.branches.retain(|_, b| !b.deleted && sessions.contains_key(&b.record.session));
        report.branches = (before - self.branches.len()) as u64;
        self.branch_names.retain(|_, id| self.branches.contains_key(id));
        for session in self.sessions.values_mut() {
            session.branches.retain(|id| self.branches.contains_key(id));
        }
        report.ops = self.collect_ops();
        let calls = std::mem::take(&mut self.calls);
        let kept = calls.into_iter().filter(|((session, op), _)| self.op(*session, *op).is_some());
        self.calls = kept.collect();
        report
    }

    /// Cuts every stretch back to what heads and reflogs reach. Returns how many ops went.
    fn collect_ops(&mut self) -> u64 {
        let mut reached = BTreeMap::new();
        for session in self.sessions.keys() {
            let own = self.branches.values().filter(|branch| branch.record.session == *session);
            let ops = own.flat_map(|branch| branch.reflog.iter().filter_map(|entry| entry.to));
            for (stretch, length) in self.reached(*session, ops) {
                reached.insert((*session, stretch), length);
            }
        }
        let mut collected = 0;
        self.stretches.retain(|key, stretch| {
            let keep = reached.get(key).map_or(0, |length| *length as usize);
            collected += (stretch.ops.len() - keep.min(stretch.ops.len())) as u64;
            stretch.ops.truncate(keep);
            keep > 0
        });
        collected
    }
}

/// Folds `op` in, and checks that it counts its messages right.
fn check_op(view: &mut View, op: &Op) -> Result<(), String> {
    view.apply(op).map_err(|error| format!("op {}: {error}", op.id))?;
    if view.len() == op.standing as usize {
        Ok(())
    } else {
        Err(format!("op {} counts its messages wrong", op.id))
    }
}
