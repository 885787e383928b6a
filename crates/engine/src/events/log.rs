//! The durable events of a branch: read from its reflog, its ops and its call log.

use std::{collections::BTreeSet, sync::Arc};

use branchwork_core::{
    graph::{Approval, CallResult, Op, OpKind, Step},
    id::{OpId, StretchId},
    limits::CALLS_PER_ANSWER_MAX,
    message::{Body, CallId, Message, Outcome, Role, Status},
    provider::Usage,
    store::{Cause, ReflogEntry},
};

use super::{Event, EventKind};
use crate::{
    branch::Branch,
    error::{Error, Result},
};

/// Calls that are read at once to find one.
const CALLS_PAGE: usize = 1_000;

impl Branch {
    /// The durable events after `seq`, of at most `limit` moves of the head, oldest first; `0` is the
    /// beginning. Fewer when there are no more yet. The next ones come after the last one's number.
    ///
    /// Costs what they are, wherever they are in the history.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a number that the branch has not reached; [`Error::Store`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::message::{Body, Draft}, events::EventKind};
    ///
    /// let main = Engine::in_memory().session("trip").create().await?.default_branch();
    /// main.append(Draft::new(Body::instruction("Rome?"))).await?;
    /// let seq = main.events(0, 100).await?.last().map_or(0, |event| event.seq);
    /// main.undo().await?;
    /// let since = main.events(seq, 100).await?;
    /// assert!(matches!(since[0].kind, EventKind::Moved { head: None, .. }));
    /// # Ok(()) }
    /// ```
    pub async fn events(&self, seq: u64, limit: usize) -> Result<Vec<Event>> {
        let revision = self.record().await?.revision;
        if seq > revision {
            let (reference, nearest) = (seq.to_string(), Some(revision.to_string()));
            return Err(Error::NotFound { what: "event", reference, nearest });
        }
        let last = revision.min(seq.saturating_add(limit as u64));
        self.events_between(seq, last).await
    }

    /// The events of the moves after `seq`, up to `last`.
    pub(super) async fn events_between(&self, seq: u64, last: u64) -> Result<Vec<Event>> {
        let count = usize::try_from(last.saturating_sub(seq)).unwrap_or(usize::MAX);
        if count == 0 {
            return Ok(Vec::new());
        }
        let store = self.engine().store();
        let mut moves = store.reflog(self.id(), last.saturating_add(1), count).await?;
        moves.reverse();
        let mut reader = Reader { branch: self, noted: None, events: Vec::new() };
        let mut moves = moves.as_slice();
        while let Some(first) = moves.first() {
            let appended = appended_together(moves);
            if appended == 0 {
                let kind = EventKind::Moved { cause: first.cause, head: first.to };
                reader.tell(first, [kind]);
            } else {
                reader.read(moves.get(..appended).unwrap_or_default()).await?;
            }
            moves = moves.get(appended.max(1)..).unwrap_or_default();
        }
        Ok(reader.events)
    }
}

/// How many of the first moves append ops that follow each other in one stretch.
fn appended_together(moves: &[ReflogEntry]) -> usize {
    let appended =
        moves.iter().map_while(|entry| entry.to.filter(|_| entry.cause == Cause::Append));
    let ops: Vec<OpId> = appended.collect();
    let joined =
        ops.windows(2).take_while(|pair| matches!(pair, [one, next] if one.next() == Some(*next)));
    joined.count() + usize::from(!ops.is_empty())
}

/// Makes events of moves.
struct Reader<'a> {
    branch: &'a Branch,
    /// The calls whose results are noted and perhaps not told; `None` when that is not known yet.
    noted: Option<BTreeSet<CallId>>,
    events: Vec<Event>,
}

impl Reader<'_> {
    /// Reads the ops that `moves` appended, one after the other.
    async fn read(&mut self, moves: &[ReflogEntry]) -> Result<()> {
        let mut moves = moves;
        while let Some(op) = moves.first().and_then(|first| first.to) {
            let (first, count) = (op.place(), u32::try_from(moves.len()).unwrap_or(u32::MAX));
            let places = first..first.saturating_add(count);
            let ops = self.ops(op.stretch(), places).await?;
            if ops.is_empty() {
                return Err(Error::NotFound {
                    what: "op",
                    reference: op.to_string(),
                    nearest: None,
                });
            }
            let read = ops.len();
            for (entry, op) in moves.iter().zip(ops) {
                let kinds = self.kinds(op).await?;
                self.tell(entry, kinds);
            }
            moves = moves.get(read..).unwrap_or_default();
        }
        Ok(())
    }

    async fn ops(&self, stretch: StretchId, places: std::ops::Range<u32>) -> Result<Vec<Op>> {
        let session = self.branch.session_id();
        Ok(self.branch.engine().store().ops(session, stretch, places).await?)
    }

    /// Adds what one move made; the last one has its number.
    fn tell(&mut self, entry: &ReflogEntry, kinds: impl IntoIterator<Item = EventKind>) {
        let (seq, at) = (entry.revision.saturating_sub(1), entry.at);
        self.events.extend(kinds.into_iter().map(|kind| Event { seq, at, kind }));
        if let Some(last) = self.events.last_mut() {
            last.seq = entry.revision;
        }
    }

    async fn kinds(&mut self, op: Op) -> Result<Vec<EventKind>> {
        let (id, step) = (op.id, op.step);
        Ok(match op.kind {
            OpKind::Message(message) => self.of_message(id, step, message).await?,
            OpKind::Noted(result) => {
                if let Some(noted) = &mut self.noted {
                    noted.insert(result.call.clone());
                }
                vec![ended(result)]
            }
            OpKind::Approval { calls, stage } => vec![match stage {
                Approval::Asked => EventKind::ApprovalAsked(calls),
                Approval::Given => EventKind::Approved(calls),
                Approval::Used => EventKind::TurnResumed,
            }],
            kind => vec![EventKind::Changed(Arc::new(Op { kind, ..op }))],
        })
    }

    async fn of_message(
        &mut self,
        op: OpId,
        step: Step,
        message: Arc<Message>,
    ) -> Result<Vec<EventKind>> {
        let mut kinds = Vec::new();
        match &message.body {
            Body::Instruction { .. } if step == Step::Opens => {
                return Ok(vec![EventKind::TurnStarted(message)]);
            }
            Body::ActionRequest { .. } => self.noted = Some(BTreeSet::new()),
            Body::ActionResponse { .. } => kinds.extend(self.newly_ended(op, &message).await?),
            _ => {}
        }
        if message.role() == Role::Assistant {
            kinds.extend(self.usage(op).await?.map(EventKind::Usage));
        }
        let says = matches!(message.role(), Role::Assistant | Role::Tool);
        kinds.push(EventKind::MessageCompleted(Arc::clone(&message)));
        if says && step.ends() {
            kinds.push(turn_ended(message));
        }
        Ok(kinds)
    }

    /// The end of the call whose result `message` is, unless that was told before its place.
    async fn newly_ended(&mut self, op: OpId, message: &Message) -> Result<Option<EventKind>> {
        let Body::ActionResponse { call, function, outcome } = &message.body else {
            return Ok(None);
        };
        if self.is_noted(op, call).await? {
            return Ok(None);
        }
        let (call, function) = (call.clone(), function.clone());
        Ok(Some(ended(Arc::new(CallResult { call, function, outcome: outcome.clone() }))))
    }

    /// Whether what came of `call` was told by an op before `op`, which tells it in its place.
    async fn is_noted(&mut self, op: OpId, call: &CallId) -> Result<bool> {
        if self.noted.is_none() {
            // What is read begins in the middle of a turn group: what is before it is near.
            let most = u32::try_from(2 * CALLS_PER_ANSWER_MAX).unwrap_or(u32::MAX);
            let places = op.place().saturating_sub(most)..op.place();
            let before = self.ops(op.stretch(), places).await?;
            let noted = before.into_iter().filter_map(|op| match op.kind {
                OpKind::Noted(result) => Some(result.call.clone()),
                _ => None,
            });
            self.noted = Some(noted.collect());
        }
        Ok(self.noted.as_ref().is_some_and(|noted| noted.contains(call)))
    }

    /// What the call of a model used whose answer `op` appends.
    async fn usage(&self, op: OpId) -> Result<Option<Usage>> {
        let (store, session) = (self.branch.engine().store(), self.branch.session_id());
        let Some(before) = op.previous() else {
            return self.usage_of_first(op).await;
        };
        let calls = store.calls(session, Some(before.into()), 1).await?;
        let own = calls.into_iter().find(|call| call.answer.op() == op);
        Ok(own.and_then(|call| call.call.usage))
    }

    /// As `usage`, of the first op of a stretch: no call is just before it.
    async fn usage_of_first(&self, op: OpId) -> Result<Option<Usage>> {
        let (store, session) = (self.branch.engine().store(), self.branch.session_id());
        let mut after = None;
        loop {
            let calls = store.calls(session, after, CALLS_PAGE).await?;
            let Some(last) = calls.last() else { return Ok(None) };
            after = Some(last.answer);
            if let Some(own) = calls.into_iter().find(|call| call.answer.op() == op) {
                return Ok(own.call.usage);
            }
        }
    }
}

fn ended(result: Arc<CallResult>) -> EventKind {
    match result.outcome {
        Outcome::Succeeded(_) => EventKind::CallCompleted(result),
        _ => EventKind::CallFailed(result),
    }
}

/// How a turn ended whose last message this is.
fn turn_ended(message: Arc<Message>) -> EventKind {
    let is_cut = match &message.body {
        Body::ActionResponse { outcome, .. } => {
            matches!(outcome, Outcome::Cancelled(_) | Outcome::Unknown)
        }
        _ => false,
    };
    match message.status {
        Status::Failed => EventKind::TurnFailed(message),
        Status::Interrupted => EventKind::TurnInterrupted(message),
        Status::Complete if is_cut => EventKind::TurnInterrupted(message),
        Status::Complete => EventKind::TurnCompleted(message),
    }
}
