//! Taking the history of a branch apart: what was written, and what a model and tools did.

use std::collections::{BTreeMap, BTreeSet};

use branchwork_core::{
    call::CallRequest,
    graph::{Approval, Op, OpKind, Step},
    id::{MessageId, OpId},
    message::{Body, CallId, Message, Outcome, Role, Status},
};

use super::tape::Tape;

/// A step of the history, or as much of it as the branch has.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) ops: Vec<Op>,
    /// Whether it is over: else a turn goes on there, or was cut off.
    pub(super) ends: bool,
    pub(super) kind: Kind,
}

/// What a step is.
#[derive(Debug)]
pub(super) enum Kind {
    /// Something was written.
    Written,
    /// A turn, which can be had again.
    Turn(Turn),
    /// A turn that cannot, for this reason: it is written as it is.
    Copied(&'static str),
}

/// A turn that can be had again.
#[derive(Debug)]
pub(super) struct Turn {
    /// How many of the ops come before the first answer.
    pub(super) opening: usize,
    pub(super) rounds: Vec<Round>,
}

/// A model is asked, and its calls run.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The call on the tape; `None` when the turn was cut off before the model answered.
    pub(super) call: Option<usize>,
    /// What came of the calls of tools.
    pub(super) outcomes: BTreeMap<CallId, Outcome>,
    /// The calls that a person was asked about, and the ops that answered.
    pub(super) asked: BTreeSet<CallId>,
    pub(super) approvals: Vec<Op>,
    /// What was said while the calls ran.
    pub(super) heard: Vec<Message>,
}

/// Takes `ops`, the way of a branch from the root on, apart into its steps.
pub(super) fn acts(ops: Vec<Op>, tape: &Tape) -> Vec<Act> {
    let mut acts: Vec<Vec<Op>> = Vec::new();
    for op in ops {
        match acts.last_mut() {
            Some(act) if continues(act, &op) => act.push(op),
            _ => acts.push(vec![op]),
        }
    }
    let count = acts.len();
    let acts = acts.into_iter().enumerate().map(|(place, ops)| {
        // A fork may leave a step where it has not ended: nothing more of it comes on this way.
        let is_left = place + 1 < count;
        let ends = is_left || ops.last().is_none_or(|op| op.step.ends());
        let is_whole = ops.last().is_some_and(|op| op.step.ends());
        let kind = kind(&ops, is_whole, tape);
        Act { ops, ends, kind }
    });
    acts.collect()
}

/// Whether `op` is of the step that `act` is of.
fn continues(act: &[Op], op: &Op) -> bool {
    let goes_on = |last: &Op| !last.step.ends() && last.id.stretch() == op.id.stretch();
    !op.step.begins() && act.last().is_some_and(goes_on)
}

fn kind(ops: &[Op], is_whole: bool, tape: &Tape) -> Kind {
    let is_asked = |op: &Op| tape.index_of(op.id.into()).is_some();
    let has_call = ops.iter().any(is_asked);
    let is_sibling = |op: &Op| tape.index_of_sibling(op.id.into()).is_some();
    if ops.iter().any(is_sibling) {
        return Kind::Copied("another answer to the same request went on where it was asked");
    }
    let says = |role| move |op: &Op| op.kind.as_message().is_some_and(|one| one.role() == role);
    let is_begun = ops.first().is_some_and(|op| op.step == Step::Opens);
    let was_cut = is_begun
        && ops.iter().any(says(Role::User))
        && ops.last().is_some_and(|op| op.kind.as_message().is_some_and(is_cut));
    if !has_call && !was_cut {
        return Kind::Written;
    }
    if !is_whole {
        return Kind::Copied("it has not ended");
    }
    let opening = ops.iter().take_while(|op| !says(Role::Assistant)(op)).count();
    let mut parser = Parser { tape, rounds: Vec::new(), stage: Stage::Results, answer: None };
    let parsed = ops.iter().skip(opening).try_for_each(|op| parser.take(op));
    match parsed.and_then(|()| parser.check()) {
        Ok(()) => Kind::Turn(Turn { opening, rounds: parser.rounds }),
        Err(why) => Kind::Copied(why),
    }
}

/// Whether it closes a turn of which nothing had come.
fn is_cut(message: &Message) -> bool {
    let is_empty = matches!(&message.body, Body::Response { parts } if parts.is_empty());
    is_empty && message.status == Status::Interrupted
}

/// Reads the rounds of a turn, op by op.
struct Parser<'a> {
    tape: &'a Tape,
    rounds: Vec<Round>,
    stage: Stage,
    /// The answer of the last round.
    answer: Option<OpId>,
}

/// What may come next behind an answer.
#[derive(PartialEq, Eq)]
enum Stage {
    Results,
    /// A person is asked about calls.
    Approvals,
    /// Something was said: the next is an answer.
    Heard,
}

impl Parser<'_> {
    fn take(&mut self, op: &Op) -> Result<(), &'static str> {
        if let Some(message) = op.kind.as_message() {
            return self.take_message(op, message);
        }
        let round = self.rounds.last_mut().ok_or("it does not begin with an answer")?;
        match &op.kind {
            OpKind::Approval { calls, stage: Approval::Asked } => {
                round.asked.extend(calls.iter().cloned());
                self.stage = Stage::Approvals;
            }
            OpKind::Approval { stage: Approval::Used, .. } => self.stage = Stage::Results,
            OpKind::Approval { .. } | OpKind::Noted(_) if self.stage == Stage::Approvals => {
                round.approvals.push(op.clone());
            }
            OpKind::Edit { target, .. }
                if self.stage == Stage::Approvals && Some(target.op()) == self.answer =>
            {
                round.approvals.push(op.clone());
            }
            // What is noted is told later, and a receipt of mail goes with the result that tells of it.
            OpKind::Noted(_) | OpKind::Receive { .. } => {}
            _ => return Err("something else was changed in it"),
        }
        Ok(())
    }

    fn take_message(&mut self, op: &Op, message: &Message) -> Result<(), &'static str> {
        match (&message.body, self.rounds.last_mut()) {
            (Body::Response { .. } | Body::ActionRequest { .. }, _) => {
                let call = self.tape.index_of(op.id.into());
                if call.is_none() && !is_cut(message) {
                    return Err("an answer of it has no call in the log");
                }
                self.rounds.push(Round { call, ..Round::default() });
                (self.stage, self.answer) = (Stage::Results, Some(op.id));
                Ok(())
            }
            (Body::ActionResponse { call, outcome, .. }, Some(round))
                if self.stage == Stage::Results =>
            {
                round.outcomes.insert(call.clone(), outcome.clone());
                Ok(())
            }
            (Body::Instruction { .. }, Some(round)) if self.stage != Stage::Approvals => {
                round.heard.push(message.clone());
                self.stage = Stage::Heard;
                Ok(())
            }
            _ => Err("its messages do not follow each other as those of a turn"),
        }
    }

    /// Checks that the machine that has turns comes to the same.
    fn check(&self) -> Result<(), &'static str> {
        let first = self.rounds.first().ok_or("nothing of it was asked")?;
        if self.stage == Stage::Heard || self.stage == Stage::Approvals {
            return Err("it did not go on");
        }
        let is_parked = self.rounds.iter().any(|round| !round.asked.is_empty());
        if is_parked && self.rounds.iter().any(|round| !round.heard.is_empty()) {
            return Err("something was said in it, and it was parked");
        }
        let request = |round: &Round| {
            let entry = round.call.and_then(|call| self.tape.entry(call))?;
            Some(&entry.record.call.request)
        };
        let Some(asked) = request(first) else { return Ok(()) };
        let alike = |request: &CallRequest| {
            (request.config.clone(), request.results_kept, request.stream, request.tools.clone())
        };
        let requests = || self.rounds.iter().filter_map(request);
        if requests().any(|request| alike(request) != alike(asked)) {
            return Err("it was gone on with otherwise than it was begun");
        }
        if requests().any(|request| request.shown.is_some()) {
            return Err("a part of the branch was shown, and why is not logged");
        }
        let last = self.rounds.len() - 1;
        let mut rounds = self.rounds.iter().enumerate();
        rounds.try_for_each(|(place, round)| self.check_outcomes(round, place == last))
    }

    fn check_outcomes(&self, round: &Round, is_last: bool) -> Result<(), &'static str> {
        let entry = round.call.and_then(|call| self.tape.entry(call));
        let finish = entry.and_then(|entry| entry.record.call.finish.as_deref());
        // The calls of an answer that did not end, or was cut off, are closed and do not run.
        let runs = finish.is_some_and(|finish| !matches!(finish, "length" | "content_filter"));
        let has = |is: fn(&Outcome) -> bool| round.outcomes.values().any(is);
        let is_cancelled = has(|outcome| matches!(outcome, Outcome::Cancelled(_)));
        let offers = entry.is_some_and(|entry| !entry.record.call.request.tools.is_empty());
        if runs && offers && is_cancelled {
            return Err("its calls did not run, and why is not logged");
        }
        let was_stopped = entry.is_some_and(|entry| {
            entry.record.call.finish.is_none() && entry.record.call.failure.is_none()
        });
        if was_stopped && is_cancelled {
            return Err("it was stopped while calls were asked for, and why is not logged");
        }
        if !is_last && round.outcomes.is_empty() {
            return Err("a model was asked again without results");
        }
        if has(|outcome| matches!(outcome, Outcome::Unknown)) && !(runs && is_last) {
            return Err("nobody knows what came of a call, and it went on");
        }
        Ok(())
    }
}

/// Where the step of `message` is among `acts`.
pub(super) fn place_of(acts: &[Act], message: MessageId) -> Option<usize> {
    acts.iter().position(|act| act.ops.iter().any(|op| op.id == message.op()))
}
