//! The durable events of a branch: read from its reflog, its ops and its call log.

use std::{collections::BTreeSet, sync::Arc};

use branchwork_core::{
    graph::{Approval, CallResult, Op, OpKind, Step},
    id::{OpId, StretchId},
    limits::CALLS_PER_ANSWER_MAX,
    message::{Body, CallId, Message, Outcome, Role, Status},
    store::{Cause, ReflogEntry},
};

use super::{Event, EventKind};
use crate::{
    branch::Branch,
    error::{Error, Result},
};

/// Ops that are looked at first for the answer whose calls are told of.
const GROUP_OPS_FIRST: u32 = 16;

/// Ops of one turn group at most: the answer, what is asked and answered about its calls, each perhaps with
/// other arguments, that they run, and what came of each, noted and told.
const GROUP_OPS_MAX: u32 = 1_024;
const _: () =
    assert!(GROUP_OPS_MAX as usize > 4 * CALLS_PER_ANSWER_MAX + 3, "BUG: a group is longer");

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
        let mut reader = Reader { branch: self, group: None, events: Vec::new() };
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

/// What was told of the calls of an answer.
#[derive(Default)]
struct Group {
    /// Those whose results are noted and perhaps not told.
    noted: BTreeSet<CallId>,
    /// How the answer ended.
    status: Status,
    /// Nobody knows what came of one.
    has_unknown: bool,
}

impl Group {
    /// What `ops` tell of the calls of the last answer among them.
    fn of(ops: &[Op]) -> Self {
        let mut group = Self::default();
        for op in ops {
            group.take(&op.kind);
        }
        group
    }

    fn take(&mut self, kind: &OpKind) {
        match kind {
            OpKind::Noted(result) => {
                self.noted.insert(result.call.clone());
            }
            OpKind::Message(message) => match &message.body {
                Body::ActionResponse { outcome: Outcome::Unknown, .. } => self.has_unknown = true,
                Body::ActionResponse { .. } => {}
                _ => *self = Self { status: message.status, ..Self::default() },
            },
            _ => {}
        }
    }

    /// How a turn ended whose last message this is.
    fn ended(&self, message: Arc<Message>) -> EventKind {
        match self.status {
            Status::Failed => EventKind::TurnFailed(message),
            Status::Interrupted => EventKind::TurnInterrupted(message),
            Status::Complete if self.has_unknown => EventKind::TurnInterrupted(message),
            Status::Complete => EventKind::TurnCompleted(message),
        }
    }
}

/// Makes events of moves.
struct Reader<'a> {
    branch: &'a Branch,
    /// The answer whose calls are being told of; `None` when that is not known yet.
    group: Option<Group>,
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
                return Err(Error::not_found("op", &op));
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
        let is_result =
            matches!(&op.kind, OpKind::Message(message) if message.role() == Role::Tool);
        let is_told = is_result && self.is_told(&op).await?;
        self.group.get_or_insert_default().take(&op.kind);
        Ok(match op.kind {
            OpKind::Message(message) => self.of_message((id, step), message, is_told).await?,
            OpKind::Noted(result) => vec![ended(result)],
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
        (op, step): (OpId, Step),
        message: Arc<Message>,
        is_told: bool,
    ) -> Result<Vec<EventKind>> {
        let mut kinds = Vec::new();
        match &message.body {
            Body::Instruction { .. } if step == Step::Opens => {
                return Ok(vec![EventKind::TurnStarted(message)]);
            }
            Body::ActionResponse { call, function, outcome } if !is_told => {
                let (call, function) = (call.clone(), function.clone());
                kinds.push(ended(Arc::new(CallResult {
                    call,
                    function,
                    outcome: outcome.clone(),
                })));
            }
            _ => {}
        }
        if message.role() == Role::Assistant {
            let call = self.branch.call_of(op.into()).await?;
            kinds.extend(call.and_then(|call| call.call.usage).map(EventKind::Usage));
        }
        let says = matches!(message.role(), Role::Assistant | Role::Tool);
        kinds.push(EventKind::MessageCompleted(Arc::clone(&message)));
        if says && step.ends() {
            kinds.push(self.group.get_or_insert_default().ended(message));
        }
        Ok(kinds)
    }

    /// Whether what came of a call was told by an op before `op`, which tells it in its place.
    async fn is_told(&mut self, op: &Op) -> Result<bool> {
        let OpKind::Message(message) = &op.kind else { return Ok(false) };
        let Body::ActionResponse { call, .. } = &message.body else { return Ok(false) };
        if self.group.is_none() {
            // What is read begins in the middle of a turn group.
            self.group = Some(self.group_before(op.id).await?);
        }
        Ok(self.group.as_ref().is_some_and(|group| group.noted.contains(call)))
    }

    /// What is told before `op` of the calls that it is about. Their answer is near, most often.
    async fn group_before(&self, op: OpId) -> Result<Group> {
        let (end, mut length) = (op.place(), GROUP_OPS_FIRST);
        loop {
            let before = self.ops(op.stretch(), end.saturating_sub(length)..end).await?;
            let is_answer = |op: &Op| {
                let answer = op.kind.as_message();
                answer.is_some_and(|message| matches!(message.body, Body::ActionRequest { .. }))
            };
            if before.iter().any(is_answer) || length >= end.min(GROUP_OPS_MAX) {
                return Ok(Group::of(&before));
            }
            length *= 4;
        }
    }
}

fn ended(result: Arc<CallResult>) -> EventKind {
    match result.outcome {
        Outcome::Succeeded(_) => EventKind::CallCompleted(result),
        _ => EventKind::CallFailed(result),
    }
}
