//! The other answers to requests that asked for several: each is on a fork, and has no call of its own.

use std::{collections::BTreeMap, sync::Arc};

use branchwork_core::{
    call::CallRecord,
    id::{BranchId, MessageId, OpId, StretchId},
    message::{Body, Message},
};

use crate::{error::Result, session::Session};

/// The other answers of calls, by the answer that went on.
pub(super) type Siblings = BTreeMap<MessageId, Vec<Arc<Message>>>;

/// Finds what the models answered to `calls` beside what went on: the answers that forks begin with where the
/// branch was when its model was asked, and that no call is logged for. Of forks that were deleted nothing is
/// known.
pub(super) async fn siblings(session: &Session, calls: &[CallRecord]) -> Result<Siblings> {
    let mut found = Siblings::new();
    if calls.iter().all(|call| call.call.request.choices < 2) {
        return Ok(found);
    }
    let (store, id) = (session.engine().store(), session.id());
    let forks = forks(session).await?;
    for call in calls.iter().filter(|call| call.call.request.choices > 1) {
        let others = call.call.request.choices.saturating_sub(1) as usize;
        let at = (call.branch, call.call.request.head);
        let mut messages = Vec::new();
        for stretch in forks.get(&at).into_iter().flatten() {
            let first = store.ops(id, *stretch, 0..1).await?.into_iter().next();
            let is_logged = |message: &Message| calls.iter().any(|one| one.answer == message.id);
            let message = first.and_then(|op| op.kind.as_message().cloned());
            let answer = message.filter(|message| is_answer(message) && !is_logged(message));
            messages.extend(answer.map(Arc::new));
        }
        messages.truncate(others);
        found.insert(call.answer, messages);
    }
    Ok(found)
}

fn is_answer(message: &Message) -> bool {
    matches!(message.body, Body::Response { .. } | Body::ActionRequest { .. })
}

/// The stretches of forks, by the branch that they were forked from and the op behind which each begins; in the
/// order in which the forks were made.
async fn forks(session: &Session) -> Result<BTreeMap<(BranchId, Option<OpId>), Vec<StretchId>>> {
    let mut forks: BTreeMap<_, Vec<StretchId>> = BTreeMap::new();
    for branch in session.branches().await? {
        let (Some(from), Some(head)) = (branch.forked_from, branch.head) else { continue };
        let lineage = session.engine().store().lineage(session.id(), head).await?;
        for segment in lineage.segments() {
            let behind = lineage.op_at(segment.start);
            forks.entry((from, behind)).or_default().push(segment.stretch);
        }
    }
    Ok(forks)
}
