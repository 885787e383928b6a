//! Writing what branches appended that are gone, as far as it is needed.

use std::collections::BTreeSet;

use branchwork_core::{
    graph::{Lineage, Segment},
    id::{BranchId, MessageId, OpId, StretchId},
    store::Cause,
};

use super::{
    line::{BranchLine, Line, lost_name},
    write::{Archive, MOVES, Telling},
};
use crate::error::Result;

impl Archive<'_> {
    /// Tells what a branch that waits is waiting for.
    pub(super) async fn tell_lost(&mut self, tellings: &mut [Telling<'_>]) -> Result<()> {
        let mut waiting = Vec::new();
        for telling in tellings.iter_mut() {
            let next = telling.next(self.store).await?.and_then(|entry| entry.to);
            waiting.extend(next.filter(|op| !self.has(*op)));
        }
        // One may wait for another one, which tells of itself once it goes on.
        let kept =
            if waiting.len() > 1 { self.stretches(tellings).await? } else { BTreeSet::new() };
        let mut told = false;
        for op in &waiting {
            told = told || self.tell_way_to(*op, &kept).await?;
        }
        if let Some(op) = waiting.first().filter(|_| !told) {
            self.tell_way_to(*op, &BTreeSet::new()).await?;
        }
        Ok(())
    }

    /// The stretches that the branches of the archive appended to. Read when first needed.
    async fn stretches(&mut self, tellings: &[Telling<'_>]) -> Result<BTreeSet<StretchId>> {
        if let Some(stretches) = &self.stretches {
            return Ok(stretches.clone());
        }
        let mut stretches = BTreeSet::new();
        for branch in tellings.iter().map(|telling| telling.branch) {
            let mut before = branch.revision + 1;
            while before > 1 {
                let page = self.store.reflog(branch.id, before, MOVES).await?;
                let appends = page.iter().filter(|entry| entry.cause == Cause::Append);
                stretches.extend(appends.filter_map(|entry| entry.to).map(OpId::stretch));
                before = page.last().map_or(0, |oldest| oldest.revision);
            }
        }
        self.stretches = Some(stretches.clone());
        Ok(stretches)
    }

    /// Tells the calls that branches made which are gone: they were billed all the same.
    pub(super) async fn tell_lost_calls(&mut self, billed: &BTreeSet<MessageId>) -> Result<()> {
        for answer in billed.iter().map(|answer| answer.op()) {
            if !self.has(answer) {
                self.tell_way_to(answer, &BTreeSet::new()).await?;
            }
        }
        Ok(())
    }

    /// Tells what is not told yet of the way to an op, up to the first of the stretches that are `kept` for
    /// their branches; answers whether that was anything.
    async fn tell_way_to(&mut self, op: OpId, kept: &BTreeSet<StretchId>) -> Result<bool> {
        let lineage = self.store.lineage(self.record.id, op).await?;
        let mut told = false;
        for segment in lineage.segments() {
            let known = self.written.get(&segment.stretch).copied().unwrap_or_default();
            if known >= segment.length {
                continue;
            }
            if kept.contains(&segment.stretch) {
                break;
            }
            self.tell_lost_segment(&lineage, segment, known).await?;
            told = true;
        }
        Ok(told)
    }

    /// Tells a stretch whose branch is gone, of which the first `known` ops are told.
    async fn tell_lost_segment(
        &mut self,
        lineage: &Lineage,
        segment: Segment,
        known: u32,
    ) -> Result<()> {
        // One of its own for each stretch: so its identifier can be made of it.
        let branch = BranchId::from_bits(segment.stretch.to_bits() | 1);
        if known == 0 {
            self.lost_branch(branch, lineage.op_at(segment.start))?;
        }
        self.ops(branch, segment.stretch, known..segment.length).await
    }

    pub(super) fn lost_branch(&mut self, id: BranchId, head: Option<OpId>) -> Result<()> {
        self.line(&Line::Branch(BranchLine {
            id: id.to_string(),
            name: lost_name(id),
            created: self.record.created.as_micros(),
            forked_from: None,
            head: head.map(|head| head.to_string()),
            deleted: true,
        }))
    }
}
