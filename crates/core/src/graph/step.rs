//! Writing steps: the ops of one call of the user, behind a view.

use std::sync::Arc;

use super::{ApplyError, Approval, CallResult, Merge, Op, OpKind, Step, StepResult, View};
use crate::{
    clock::Timestamp,
    config::ConfigPatch,
    id::{IdSource, MailId, MessageId, OpId, StretchId},
    message::{Body, CallId, Draft, Message, Outcome, Role, ToolCall},
};

/// Writes the ops of one step behind a view. Pure but for the identifiers it is given.
///
/// Every history it can write is legal: calls that still wait for a result are
/// [closed](Self::close_calls) before anything else is said.
#[derive(Debug)]
pub struct StepWriter<'a> {
    view: View,
    /// The newest op of the branch's own stretch: only behind it may the stretch go on.
    tip: Option<OpId>,
    ids: &'a dyn IdSource,
    at: Timestamp,
    author: Option<String>,
    ops: Vec<Op>,
}

/// Which part of a step the written ops are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its beginning: more will follow.
    Beginning,
    /// Its middle: it has begun, and more will follow.
    Middle,
    /// Its end.
    End,
    /// All of it, and what a branch begins with: `undo` stops there.
    Birth,
}

impl<'a> StepWriter<'a> {
    /// Begins behind `view`. `tip` is the newest op of the branch's own stretch.
    pub const fn after(
        view: View,
        tip: Option<OpId>,
        ids: &'a dyn IdSource,
        at: Timestamp,
    ) -> Self {
        Self { view, tip, ids, at, author: None, ops: Vec::new() }
    }

    /// Says who makes the changes that are not messages.
    #[must_use]
    pub fn by(mut self, author: Option<String>) -> Self {
        self.author = author;
        self
    }

    /// The view with what was written so far.
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// Appends a message. Open calls are [closed](Self::close_calls) first, unless it answers one.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownCall`] for a result that no open call waits for.
    pub fn message(&mut self, draft: Draft) -> Result<MessageId, ApplyError> {
        if !matches!(draft.body, Body::ActionResponse { .. }) {
            self.close_calls("the conversation went on without it")?;
        }
        let id = self.next_id()?;
        let message = Arc::new(draft.into_message(id, self.at));
        self.write(id, OpKind::Message(message), None)?;
        Ok(id.into())
    }

    /// Appends messages, one behind the other.
    ///
    /// # Errors
    ///
    /// As for [`message`](Self::message).
    pub fn messages(
        &mut self,
        drafts: impl IntoIterator<Item = Draft>,
    ) -> Result<Vec<MessageId>, ApplyError> {
        drafts.into_iter().map(|draft| self.message(draft)).collect()
    }

    /// Lets the first system message say `text`. Without one, a new one comes before all other
    /// messages.
    ///
    /// # Errors
    ///
    /// [`ApplyError::Full`] when the branch can take no more ops.
    pub fn set_system(&mut self, text: String) -> Result<(), ApplyError> {
        let is_system = |message: &&Arc<Message>| message.role() == Role::System;
        let body = Body::System { text };
        let system = self.view.messages().find(is_system).map(|system| system.id);
        if let Some(system) = system {
            return self.edit(system, body);
        }
        let id = self.next_id()?;
        let message = Arc::new(Draft::new(body).into_message(id, self.at));
        self.write(id, OpKind::Lead(message), None)
    }

    /// Notes what came of an open call before its message can come.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownCall`] for a call that is not open, or is noted already.
    pub fn note(&mut self, result: CallResult) -> Result<(), ApplyError> {
        let id = self.next_id()?;
        self.write(id, OpKind::Noted(Arc::new(result)), None)
    }

    /// Asks a person to approve or deny `calls` of the last answer: none of its calls runs before that.
    ///
    /// # Errors
    ///
    /// [`ApplyError::NotAsked`] for a call that is not open, or has been asked about.
    pub fn ask_approval(&mut self, calls: Vec<CallId>) -> Result<(), ApplyError> {
        self.change(OpKind::Approval { calls, stage: Approval::Asked })
    }

    /// Lets `call` run, with `arguments` instead of its own when there are some. The answer that makes
    /// the call says them from here on.
    ///
    /// # Errors
    ///
    /// [`ApplyError::NotAsked`] for a call that does not wait for it.
    pub fn approve(&mut self, call: &CallId, arguments: Option<String>) -> Result<(), ApplyError> {
        self.check_waiting(call)?;
        if let Some(arguments) = arguments {
            self.revise_call(call, arguments)?;
        }
        self.change(OpKind::Approval { calls: vec![call.clone()], stage: Approval::Given })
    }

    /// Does not let `call` run, for `reason`, which the model is told.
    ///
    /// # Errors
    ///
    /// [`ApplyError::NotAsked`] for a call that does not wait for it.
    pub fn deny(&mut self, call: &CallId, reason: String) -> Result<(), ApplyError> {
        let asked = self.check_waiting(call)?;
        let outcome = Outcome::Denied(reason);
        let result = CallResult { call: asked.id, function: asked.function, outcome };
        self.change(OpKind::Noted(Arc::new(result)))
    }

    /// Goes on with a turn that was parked: the calls of its answer may run from here on.
    ///
    /// # Errors
    ///
    /// [`ApplyError::Full`] when the branch can take no more ops.
    pub fn use_approvals(&mut self) -> Result<(), ApplyError> {
        self.change(OpKind::Approval { calls: Vec::new(), stage: Approval::Used })
    }

    fn check_waiting(&self, call: &CallId) -> Result<ToolCall, ApplyError> {
        let waiting = self.view.waiting_calls().find(|waiting| waiting.id == *call);
        waiting.cloned().ok_or_else(|| ApplyError::NotAsked { call: call.to_string() })
    }

    fn revise_call(&mut self, call: &CallId, arguments: String) -> Result<(), ApplyError> {
        let makes_calls =
            |message: &&Arc<Message>| matches!(message.body, Body::ActionRequest { .. });
        let answer = self.view.messages().rev().find(makes_calls).map(Arc::clone);
        let Some(answer) = answer else { return Ok(()) };
        let mut body = answer.body.clone();
        if let Body::ActionRequest { calls, .. } = &mut body
            && let Some(revised) = calls.iter_mut().find(|revised| revised.id == *call)
        {
            revised.arguments = arguments;
        }
        self.edit(answer.id, body)
    }

    /// Gives every open call its result: the one that is noted; `unknown` when a turn may have run it, as its
    /// step had not ended or was cut, and no approval was waited for; else `cancelled`.
    ///
    /// # Errors
    ///
    /// [`ApplyError::Full`] when the branch can take no more ops.
    pub fn close_calls(&mut self, reason: &str) -> Result<(), ApplyError> {
        let may_have_run = self.view.last_step.is_none_or(|step| !step.ends());
        let outcome = if may_have_run && !self.view.is_parked() {
            Outcome::Unknown
        } else {
            Outcome::Cancelled(reason.to_owned())
        };
        for call in self.view.open_calls().to_vec() {
            let draft = match self.view.noted(&call.id) {
                Some(noted) => noted.to_draft(),
                None => Draft::result(call.id, call.function, outcome.clone()),
            };
            self.message(draft)?;
        }
        Ok(())
    }

    /// Lets `target` say `body` from here on.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`], [`ApplyError::CannotEdit`].
    pub fn edit(&mut self, target: MessageId, body: Body) -> Result<(), ApplyError> {
        self.change(OpKind::Edit { target, body })
    }

    /// Takes `target` out of the view, with its whole turn group when it is in one.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`], [`ApplyError::OpenCalls`].
    pub fn remove(&mut self, target: MessageId) -> Result<(), ApplyError> {
        let targets = self.view.removed_with(target)?;
        self.change(OpKind::Remove { targets })
    }

    /// Lets `summary` stand for the messages from `first` to `last`: turn groups as a whole, and no system
    /// message. It has the identifier of the first of them.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`], [`ApplyError::OpenCalls`], [`ApplyError::NothingToFold`].
    pub fn fold(
        &mut self,
        first: MessageId,
        last: MessageId,
        summary: String,
    ) -> Result<MessageId, ApplyError> {
        let targets = self.view.foldable(first, last)?;
        let id = targets.first().copied().ok_or(ApplyError::NothingToFold)?;
        self.change(OpKind::Fold { targets, summary })?;
        Ok(id)
    }

    /// Lets the messages stand again that the summary `target` stood for.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`], [`ApplyError::NotFolded`].
    pub fn unfold(&mut self, target: MessageId) -> Result<(), ApplyError> {
        self.change(OpKind::Unfold { target })
    }

    /// Changes the configuration.
    ///
    /// # Errors
    ///
    /// [`ApplyError::Full`] when the branch can take no more ops.
    pub fn configure(&mut self, patch: ConfigPatch) -> Result<(), ApplyError> {
        self.change(OpKind::Configure(Box::new(patch)))
    }

    /// Keeps what a named step of a flow gave.
    ///
    /// # Errors
    ///
    /// [`ApplyError::DoneTwice`] when what the step gave is there already.
    pub fn done(&mut self, result: StepResult) -> Result<(), ApplyError> {
        self.change(OpKind::Done(Arc::new(result)))
    }

    /// Says that what follows brings in another branch.
    ///
    /// # Errors
    ///
    /// [`ApplyError::Full`] when the branch can take no more ops.
    pub fn merge(&mut self, merge: Merge) -> Result<(), ApplyError> {
        self.change(OpKind::Merge(Box::new(merge)))
    }

    /// Says that `mail` is taken in: what it brings or changes follows. Answers the op that says so.
    ///
    /// # Errors
    ///
    /// [`ApplyError::ReceivedTwice`] when it was.
    pub fn receive(&mut self, mail: MailId) -> Result<OpId, ApplyError> {
        let id = self.next_id()?;
        let author = self.author.clone();
        self.write(id, OpKind::Receive { mail }, author)?;
        Ok(id)
    }

    /// The ops, in order, and the view they lead to.
    pub fn finish(mut self, extent: Extent) -> (Vec<Op>, View) {
        let last = self.ops.len().saturating_sub(1);
        for (index, op) in self.ops.iter_mut().enumerate() {
            op.step = step_of(extent, index, last);
        }
        self.view.last_step = self.ops.last().map(|op| op.step).or(self.view.last_step);
        (self.ops, self.view)
    }

    fn change(&mut self, kind: OpKind) -> Result<(), ApplyError> {
        let id = self.next_id()?;
        let author = self.author.clone();
        self.write(id, kind, author)
    }

    fn write(&mut self, id: OpId, kind: OpKind, author: Option<String>) -> Result<(), ApplyError> {
        let parent = self.view.head();
        let mut op = Op { id, parent, at: self.at, step: Step::Alone, standing: 0, author, kind };
        self.view.apply(&op)?;
        op.standing = self.view.standing;
        self.tip = Some(id);
        self.ops.push(op);
        Ok(())
    }

    fn next_id(&self) -> Result<OpId, ApplyError> {
        match self.view.head() {
            Some(head) if self.tip == Some(head) => head.next().ok_or(ApplyError::Full),
            _ => Ok(StretchId::from_bits(self.ids.next_bits()).op(0)),
        }
    }
}

/// The place in its step of the op at `index`, when the last one is at `last`.
const fn step_of(extent: Extent, index: usize, last: usize) -> Step {
    match extent {
        Extent::Birth => Step::Birth,
        Extent::Whole if last == 0 => Step::Alone,
        Extent::Whole | Extent::Beginning if index == 0 => Step::Opens,
        Extent::Whole | Extent::End if index == last => Step::Closes,
        _ => Step::Continues,
    }
}
