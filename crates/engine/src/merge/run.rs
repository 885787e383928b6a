//! Reading both branches, and committing one step.

use std::{collections::BTreeMap, sync::Arc};

use branchwork_core::{
    clock::Timestamp,
    graph::{Extent, StepWriter},
    id::{MessageId, OpId},
    limits::COMMIT_OPS_MAX,
    merge::{MergeWay, Plan, Sides},
    message::{Body, Draft, DraftError, Message},
    store::{Cause, Change, Conflict, StoreError, read},
};

use super::{Merge, Merged, builder::Mode};
use crate::{
    branch::{Beside, Branch, Part, State, Turns},
    error::{Error, Result},
};

/// Both branches as they were read.
pub(super) struct Both {
    pub(super) ours: State,
    pub(super) theirs: State,
}

/// Where both branches were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heads {
    pub(super) ours: Option<OpId>,
    pub(super) theirs: Option<OpId>,
}

/// What a merge writes.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// A step.
    Step(Box<Plan>),
    /// The head moves.
    Move {
        to: Option<OpId>,
        /// The messages that the target has then.
        messages: Vec<Arc<Message>>,
    },
}

impl Both {
    pub(super) fn heads(&self) -> Heads {
        Heads { ours: self.ours.view.head(), theirs: self.theirs.view.head() }
    }

    /// The newest op that both have.
    pub(super) fn ancestor(&self) -> Option<OpId> {
        let lineage = self.ours.view.lineage();
        lineage.op_at(lineage.shared_with(self.theirs.view.lineage()))
    }
}

/// Reads both branches.
pub(super) async fn read(merge: &Merge) -> Result<Both> {
    let elsewhere = |branch: &&Branch| branch.session_id() != merge.session.id();
    if let Some(branch) = [&merge.from, &merge.into].into_iter().find(elsewhere) {
        return Err(Error::OtherSession { branch: branch.id() });
    }
    if merge.from.id() == merge.into.id() {
        return Err(Error::MergeWithItself);
    }
    if matches!(&merge.mode, Mode::Pick(messages) if messages.is_empty()) {
        return Err(DraftError::Nothing.into());
    }
    if let Mode::Summary(text) = &merge.mode {
        Draft::new(Body::instruction(text.as_str())).check()?;
    }
    let (ours, theirs) = merge.into.refresh_both(&merge.from).await?;
    Ok(Both { ours, theirs })
}

/// What `merge` writes when the branches are as they were read.
pub(super) async fn way(merge: &Merge, both: &Both) -> Result<Way> {
    let sides = Sides { ours: &both.ours.view, theirs: &both.theirs.view, from: merge.from.id() };
    let way = match &merge.mode {
        Mode::FastForward => return fast_forward(merge, both),
        Mode::Append => MergeWay::Append,
        Mode::Interleave => MergeWay::Interleave(times(&merge.into, sides).await?),
        Mode::Summary(text) => MergeWay::Summary(text.clone()),
        Mode::SummaryBy(_) => MergeWay::Summary(String::new()),
        Mode::Pick(messages) => MergeWay::Pick(messages.clone()),
    };
    let plan = Plan::new(sides, &way, merge.policy)?;
    // Calls that are open there are closed in the same commit.
    let (ops, max) = (plan.ops() + both.ours.view.open_calls().len(), COMMIT_OPS_MAX);
    if ops > max {
        return Err(Error::TooMuchToMerge { ops, max });
    }
    Ok(Way::Step(Box::new(plan)))
}

fn fast_forward(merge: &Merge, both: &Both) -> Result<Way> {
    let (ours, theirs) = (&both.ours.view, &both.theirs.view);
    let depth = ours.lineage().depth();
    let shared = ours.lineage().shared_with(theirs.lineage());
    if shared == theirs.lineage().depth() {
        return Ok(Way::Move { to: ours.head(), messages: Vec::new() });
    }
    if shared < depth {
        return Err(Error::CannotFastForward { branch: merge.into.id() });
    }
    let messages = theirs.messages_since(depth).map(Arc::clone).collect();
    Ok(Way::Move { to: theirs.head(), messages })
}

/// When messages that came to one of the branches as copies were first said. What was collected since is
/// left out.
async fn times(branch: &Branch, sides: Sides<'_>) -> Result<BTreeMap<MessageId, Timestamp>> {
    let (store, session) = (branch.engine().store(), branch.session_id());
    let mut times = BTreeMap::new();
    for message in sides.copies() {
        match read::op(store, session, message.op()).await {
            Ok(op) => drop(times.insert(message, op.at)),
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(times)
}

/// Merges; when `planned` says where the branches were, only if they are still there.
pub(super) async fn run(merge: Merge, planned: Option<Heads>) -> Result<Merged> {
    if matches!(merge.mode, Mode::SummaryBy(_)) {
        return Err(Error::NotApproved);
    }
    let result = commit(&merge, planned).await;
    match result {
        Err(Error::Conflict(Conflict::HeadMoved { branch, actual })) if planned.is_some() => {
            Err(Error::MovedSince { branch, head: actual })
        }
        result => result,
    }
}

async fn commit(merge: &Merge, planned: Option<Heads>) -> Result<Merged> {
    let (turns, _theirs) = turns(merge).await;
    let mut both = read(merge).await?;
    check_moved(merge, planned, both.heads())?;
    if both.ours.is_parked() {
        return Err(Error::parked(&both.ours.view));
    }
    let mut way = way(merge, &both).await?;
    if both.ours.is_unfinished() && matches!(&way, Way::Step(plan) if !plan.is_nothing()) {
        both.ours = merge.into.close_unfinished(&turns, both.ours).await?;
        way = self::way(merge, &both).await?;
    }
    let beside = beside(merge, planned, both.heads().theirs).await?;
    let becomes_default =
        beside.changes.iter().any(|change| matches!(change, Change::SetDefaultBranch { .. }));
    let merged = match way {
        Way::Step(plan) if !plan.is_nothing() => {
            step(merge, &turns, both.ours, (&plan, beside)).await?
        }
        Way::Step(plan) => {
            let to = (both.ours.view.head(), Cause::Restore);
            let head = stay(merge, &turns, &both.ours, (to, beside)).await?;
            let (skipped, conflicts) = (plan.skipped().to_vec(), plan.conflicts().to_vec());
            Merged { skipped, conflicts, head, ..Merged::default() }
        }
        Way::Move { to, messages } => {
            let head = stay(merge, &turns, &both.ours, ((to, Cause::Promote), beside)).await?;
            let added = messages.iter().map(|message| message.id).collect();
            Merged { added, head, ..Merged::default() }
        }
    };
    if merge.deletes_source {
        merge.from.shared().forget();
        merge.session.engine().tool_sets().forget(merge.from.id());
    }
    if becomes_default {
        merge.session.defaults_to(merge.into.id());
    }
    Ok(merged)
}

/// The right to change the target, and the source when it is deleted. In one order, so that two merges
/// do not wait for each other.
async fn turns(merge: &Merge) -> (Turns, Option<Turns>) {
    let (into, from) = (merge.into.shared(), merge.from.shared());
    if !merge.deletes_source || merge.into.id() == merge.from.id() {
        return (into.turns().await, None);
    }
    if merge.into.id() < merge.from.id() {
        let turns = into.turns().await;
        (turns, Some(from.turns().await))
    } else {
        let theirs = from.turns().await;
        (into.turns().await, Some(theirs))
    }
}

fn check_moved(merge: &Merge, planned: Option<Heads>, now: Heads) -> Result<()> {
    let Some(planned) = planned else { return Ok(()) };
    for (branch, was, head) in
        [(&merge.into, planned.ours, now.ours), (&merge.from, planned.theirs, now.theirs)]
    {
        if was != head {
            return Err(Error::MovedSince { branch: branch.id(), head });
        }
    }
    Ok(())
}

/// What the commit does beside the step: takes the source away, when it is to go. Then, and when it was
/// planned where it is, what somebody else said on it meanwhile must not be passed over.
async fn beside(merge: &Merge, planned: Option<Heads>, theirs: Option<OpId>) -> Result<Beside> {
    let mut beside = Beside::default();
    let (from, into) = (merge.from.id(), merge.into.id());
    if merge.deletes_source || planned.is_some() {
        beside.changes.push(Change::ExpectHead { branch: from, head: theirs });
    }
    if merge.deletes_source {
        if merge.session.record().await?.default_branch == from {
            beside.changes.push(Change::SetDefaultBranch { branch: into });
        }
        beside.changes.push(Change::DeleteBranch { branch: from, heir: Some(into) });
    }
    Ok(beside)
}

async fn step(
    merge: &Merge,
    turns: &Turns,
    ours: State,
    (plan, beside): (&Plan, Beside),
) -> Result<Merged> {
    let part = Part { beside, ..Part::from(Extent::Whole) };
    let write = |step: &mut StepWriter<'_>| {
        // Calls that are open where the branch was forked.
        step.close_calls("the conversation went on without it")?;
        Ok(plan.write(step)?)
    };
    let (added, state) = merge.into.write_step(turns, ours, part, write).await?;
    if let Some(names) = plan.config().tools.value() {
        let (session, branches) = (merge.session.id(), (merge.from.id(), merge.into.id()));
        merge.session.engine().tool_sets().lend(session, branches, names);
    }
    let (skipped, conflicts) = (plan.skipped().to_vec(), plan.conflicts().to_vec());
    Ok(Merged { added, skipped, conflicts, head: state.view.head() })
}

/// Moves the head of the target, or leaves it, and does what is to be done beside it.
async fn stay(
    merge: &Merge,
    turns: &Turns,
    ours: &State,
    (to, beside): ((Option<OpId>, Cause), Beside),
) -> Result<Option<OpId>> {
    if to.0 == ours.view.head() && beside.changes.is_empty() {
        return Ok(to.0);
    }
    merge.into.move_head_and(turns, ours, to, beside).await
}
