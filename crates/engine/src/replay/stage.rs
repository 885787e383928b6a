//! The branch that comes out of a replay, beside the one it is a replay of.

use std::{collections::BTreeMap, sync::Arc};

use branchwork_core::{
    call::CallRequest,
    graph::{ApplyError, Approval, Extent, Lineage, Op, OpKind, Step, StepWriter},
    id::MessageId,
    limits::READ_OPS_MAX,
    message::{Draft, DraftError, Message, Role},
    provider::ModelRequest,
    store::StoreError,
};

use super::drift::Drift;
use crate::{
    branch::Branch,
    error::{Error, Result},
    usage::request_of,
};

/// The branch that comes out, and which of its messages is which.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) branch: Branch,
    /// The messages of the source, and what came out for each.
    known: BTreeMap<MessageId, MessageId>,
    /// How many of its ops were looked at.
    depth: u32,
}

impl Stage {
    pub(super) const fn new(branch: Branch) -> Self {
        Self { branch, known: BTreeMap::new(), depth: 0 }
    }

    /// Writes what `ops` of the source write, as that part of a step. What cannot follow is told.
    pub(super) async fn write(&mut self, ops: &[Op], extent: Extent) -> Result<Vec<Drift>> {
        let turns = self.branch.shared().turns().await;
        let state = self.branch.state().await?;
        let mut drifts = Vec::new();
        let known = &mut self.known;
        let write = |step: &mut StepWriter<'_>| {
            for op in ops {
                let copied = copy(step, op, known);
                known.extend(copied.as_ref().ok().copied().flatten());
                let refused =
                    |error: ApplyError| Drift::Refused { op: op.id, problem: error.to_string() };
                drifts.extend(copied.err().map(refused));
            }
            Ok(())
        };
        match self.branch.write_step(&turns, state, extent.into(), write).await {
            // Nothing of it is seen in a conversation.
            Err(Error::Draft(DraftError::Nothing)) => {}
            written => self.depth = written?.1.view.lineage().depth(),
        }
        Ok(drifts)
    }

    /// The messages that came out since it was last looked.
    pub(super) async fn came_out(&mut self) -> Result<Vec<Message>> {
        let lineage = self.branch.view().await?.lineage().clone();
        let ops = ops_since(&self.branch, &lineage, self.depth).await?;
        self.depth = lineage.depth();
        let messages = ops.into_iter().filter_map(|op| op.kind.as_message().cloned());
        Ok(messages.collect())
    }

    /// Notes that `out` came out for `source`.
    pub(super) fn pair(&mut self, source: MessageId, out: MessageId) {
        self.known.insert(source, out);
    }

    /// Whether `out` came out for `source`.
    pub(super) fn is(&self, source: MessageId, out: &Message) -> bool {
        self.known.get(&source) == Some(&out.id)
    }

    /// What would be asked here when `kept` is asked.
    pub(super) async fn request(&self, kept: &CallRequest) -> Result<ModelRequest> {
        let view = self.branch.view().await?;
        let Some(shown) = &kept.shown else { return Ok(request_of(&view, kept)) };
        let shown = shown.iter().filter_map(|id| self.known.get(id).copied()).collect();
        Ok(request_of(&view, &CallRequest { shown: Some(shown), ..kept.clone() }))
    }
}

/// The ops of a branch behind its first `depth`, as far as `lineage` goes.
pub(super) async fn ops_since(branch: &Branch, lineage: &Lineage, depth: u32) -> Result<Vec<Op>> {
    let (store, session) = (branch.engine().store(), branch.session_id());
    let mut ops = Vec::new();
    for segment in lineage.segments() {
        let mut place = depth.saturating_sub(segment.start);
        while place < segment.length {
            let end = segment.length.min(place.saturating_add(READ_OPS_MAX));
            let more = store.ops(session, segment.stretch, place..end).await?;
            if more.is_empty() {
                return Err(StoreError::no_op(segment.stretch.op(place)).into());
            }
            place = place.saturating_add(u32::try_from(more.len()).unwrap_or(u32::MAX));
            ops.extend(more);
        }
    }
    Ok(ops)
}

/// The part of a step of `ops` that comes behind its first `written`, and `ends` it.
pub(super) fn extent(ops: &[Op], written: usize, ends: bool) -> Extent {
    if ops.first().is_some_and(|op| op.step == Step::Birth) {
        return Extent::Birth;
    }
    match (written, ends) {
        (0, true) => Extent::Whole,
        (0, false) => Extent::Beginning,
        (_, false) => Extent::Middle,
        (_, true) => Extent::End,
    }
}

/// Does again what `op` did. Answers the message that it brings, and what came out for it.
fn copy(
    step: &mut StepWriter<'_>,
    op: &Op,
    known: &BTreeMap<MessageId, MessageId>,
) -> Result<Option<(MessageId, MessageId)>, ApplyError> {
    let find =
        |id: &MessageId| known.get(id).copied().ok_or(ApplyError::UnknownMessage { id: *id });
    match &op.kind {
        OpKind::Message(message) => {
            let out = step.message(draft_of(message))?;
            return Ok(Some((message.id, out)));
        }
        OpKind::Lead(message) => {
            step.set_system(message.text())?;
            let is_system = |out: &&Arc<Message>| out.role() == Role::System;
            let out = step.view().messages().find(is_system).map(|out| out.id);
            return Ok(out.map(|out| (message.id, out)));
        }
        OpKind::Edit { target, body } => step.edit(find(target)?, body.clone())?,
        OpKind::Remove { targets } => {
            if let Some(first) = targets.first() {
                step.remove(find(first)?)?;
            }
        }
        OpKind::Fold { targets, summary } => {
            if let (Some(first), Some(last)) = (targets.first(), targets.last()) {
                step.fold(find(first)?, find(last)?, summary.clone())?;
            }
        }
        OpKind::Unfold { target } => step.unfold(find(target)?)?,
        OpKind::Configure(patch) => step.configure((**patch).clone())?,
        OpKind::Noted(result) => step.note((**result).clone())?,
        OpKind::Approval { calls, stage: Approval::Asked } => step.ask_approval(calls.clone())?,
        OpKind::Approval { calls, stage: Approval::Given } => {
            calls.iter().try_for_each(|call| step.approve(call, None))?;
        }
        OpKind::Approval { stage: Approval::Used, .. } => step.use_approvals()?,
        OpKind::Done(result) => step.done((**result).clone())?,
        // What a merge or a mail brings follows; nothing of these is seen.
        _ => {}
    }
    Ok(None)
}

/// A draft that says what `message` says.
pub(super) fn draft_of(message: &Message) -> Draft {
    let draft = Draft::new(message.body.clone())
        .with_sender(message.sender.clone())
        .with_metadata(message.metadata.clone())
        .with_status(message.status);
    let draft = match &message.recipient {
        Some(recipient) => draft.with_recipient(recipient.clone()),
        None => draft,
    };
    match &message.origin {
        Some(origin) => draft.with_origin(**origin),
        None => draft,
    }
}
