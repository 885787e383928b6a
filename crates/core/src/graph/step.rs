//! Writing steps: the ops of one call of the user, behind a view.

use std::sync::Arc;

use super::{ApplyError, CallResult, Op, OpKind, Step, View};
use crate::{
    clock::Timestamp,
    config::ConfigPatch,
    id::{IdSource, MessageId, OpId, StretchId},
    message::{Body, Draft, Message, Outcome, Role},
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

    /// Gives every open call its result: the one that is noted; `unknown` when a turn may have run it,
    /// as its step had not ended or was cut; else `cancelled`.
    ///
    /// # Errors
    ///
    /// [`ApplyError::Full`] when the branch can take no more ops.
    pub fn close_calls(&mut self, reason: &str) -> Result<(), ApplyError> {
        let outcome = match self.view.last_step {
            Some(step) if step.ends() => Outcome::Cancelled(reason.to_owned()),
            _ => Outcome::Unknown,
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

    /// Changes the configuration.
    ///
    /// # Errors
    ///
    /// [`ApplyError::Full`] when the branch can take no more ops.
    pub fn configure(&mut self, patch: ConfigPatch) -> Result<(), ApplyError> {
        self.change(OpKind::Configure(Box::new(patch)))
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
