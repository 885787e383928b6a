//! Appending, editing, removing, configuring: every change is ops behind the head.

use branchwork_core::{
    call::ModelCall,
    config::ConfigPatch,
    graph::{Extent, Op, OpKind, StepWriter},
    id::{BranchId, MessageId, OpId},
    mail::{MailChange, MailState},
    message::{Body, Draft, DraftError},
    store::{Cause, Change, Commit, HeadMove},
};

use super::{Branch, State, Turns};
use crate::{
    base::Revision,
    error::{Error, Result},
    session::check_branch_name,
    telemetry::Operation,
};

/// What an append wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The messages, in order.
    pub messages: Vec<MessageId>,
    /// The new head of the branch.
    pub head: OpId,
}

/// What is written of a step.
#[derive(Debug)]
pub(crate) struct Part {
    /// Which part of the step it is.
    pub(crate) extent: Extent,
    /// The call of a model whose answer is its first message.
    pub(crate) call: Option<ModelCall>,
    /// What the commit does beside it.
    pub(crate) beside: Beside,
}

/// What a commit does beside moving the head of one branch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    /// Changes of the session and its branches.
    pub(crate) changes: Vec<Change>,
    /// What is appended to other branches.
    pub(crate) ops: Vec<Op>,
    /// Heads of other branches.
    pub(crate) heads: Vec<HeadMove>,
    /// Mail, beside that which is taken in.
    pub(crate) mail: Vec<MailChange>,
}

impl From<Extent> for Part {
    fn from(extent: Extent) -> Self {
        Self { extent, call: None, beside: Beside::default() }
    }
}

impl Beside {
    /// `commit`, which does this as well.
    pub(crate) fn within(self, mut commit: Commit) -> Commit {
        commit.changes.extend(self.changes);
        commit.ops.extend(self.ops);
        commit.heads.extend(self.heads);
        commit.mail.extend(self.mail);
        commit
    }
}

impl Branch {
    /// Appends one message, in one commit. No model is asked.
    ///
    /// Calls that wait for a result are closed as `cancelled` first, unless it is one.
    ///
    /// # Errors
    ///
    /// [`Error::Draft`], [`Error::Change`] when the message cannot follow,
    /// [`Error::Conflict`] when another process moved the branch: the handle has caught up, and
    /// the same call can be made again. [`Error::Parked`] when a turn waits for approvals: it is not gone
    /// over.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing or the whole message.
    pub async fn append(&self, draft: Draft) -> Result<Appended> {
        self.append_all(vec![draft]).await
    }

    /// Appends messages in one commit and as one step: all of them or none.
    ///
    /// # Errors
    ///
    /// As for [`append`](Self::append).
    ///
    /// # Limits
    ///
    /// At most [`limits::COMMIT_OPS_MAX`](branchwork_core::limits::COMMIT_OPS_MAX) at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing or all of them.
    pub async fn append_all(&self, drafts: Vec<Draft>) -> Result<Appended> {
        drafts.iter().try_for_each(Draft::check)?;
        let (messages, head) = self.write(|step| Ok(step.messages(drafts)?)).await?;
        Ok(Appended { messages, head })
    }

    /// Lets a message say `body` from here on. The original stays in the history.
    ///
    /// # Errors
    ///
    /// [`Error::Change`] when the message is not on this branch, or is a record of calls;
    /// else as for [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the edit undone or done.
    pub async fn edit(&self, message: MessageId, body: Body) -> Result<OpId> {
        self.revise(vec![Revision::Edit { message, body }]).await
    }

    /// Changes messages that are there, in one commit and as one step: all of them or none.
    ///
    /// # Errors
    ///
    /// As for [`edit`](Self::edit) and [`remove`](Self::remove).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves all of it undone or done.
    pub async fn revise(&self, revisions: Vec<Revision>) -> Result<OpId> {
        for revision in &revisions {
            match revision {
                Revision::Edit { body, .. } => Draft::new(body.clone()).check()?,
                Revision::System { text } => {
                    Draft::new(Body::System { text: text.clone() }).check()?;
                }
                Revision::Remove { .. } => {}
            }
        }
        let ((), head) = self
            .write(|step| {
                let mut revisions = revisions.into_iter();
                Ok(revisions.try_for_each(|revision| match revision {
                    Revision::Edit { message, body } => step.edit(message, body),
                    Revision::Remove { message } => step.remove(message),
                    Revision::System { text } => step.set_system(text),
                })?)
            })
            .await?;
        Ok(head)
    }

    /// Takes a message out of the view, with its whole turn group when it is in one. It stays in
    /// the history.
    ///
    /// # Errors
    ///
    /// [`Error::Change`] when the message is not on this branch, or its group still waits for
    /// results; else as for [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the removal undone or done.
    pub async fn remove(&self, message: MessageId) -> Result<OpId> {
        self.revise(vec![Revision::Remove { message }]).await
    }

    /// Changes the configuration from here on.
    ///
    /// # Errors
    ///
    /// [`Error::Config`]; else as for [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the change undone or done.
    pub async fn configure(&self, patch: ConfigPatch) -> Result<OpId> {
        patch.check()?;
        let ((), head) = self.write(|step| Ok(step.configure(patch)?)).await?;
        Ok(head)
    }

    /// Gives the branch another name.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the name is taken, [`Error::BadName`].
    pub async fn rename(&self, name: impl Into<String>) -> Result<()> {
        let name = name.into();
        check_branch_name(&name)?;
        let change = Change::RenameBranch { branch: self.id, name };
        let commit = Commit::new(self.session, self.engine.now()).with_change(change);
        Ok(self.engine.store().commit(commit).await?)
    }

    /// Deletes the branch. What it shares with others stays; the rest goes with the next
    /// [`Engine::gc`](crate::Engine::gc). The mail that it sent is delivered; the mail that waits for it is a
    /// [dead letter](crate::Session::dead_letters) from here on.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] for the default branch: make another one the default first.
    pub async fn delete(&self) -> Result<()> {
        self.delete_for(None).await
    }

    /// Deletes the branch, as [`delete`](Self::delete) does, and gives the mail that waits for it to `heir`.
    /// What `heir` was sent too is a dead letter: nobody gets a mail twice.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete); [`Error::Store`] when `heir` is this branch, or not of this session.
    pub async fn delete_with_heir(&self, heir: &Self) -> Result<()> {
        self.delete_for(Some(heir.id)).await
    }

    async fn delete_for(&self, heir: Option<BranchId>) -> Result<()> {
        let turns = self.shared.turns().await;
        let change = Change::DeleteBranch { branch: self.id, heir };
        let commit = Commit::new(self.session, self.engine.now()).with_change(change);
        self.engine.store().commit(commit).await?;
        self.shared.forget();
        self.engine.tool_sets().forget(self.id);
        drop(turns);
        Ok(())
    }

    /// Writes one whole step when it is this call's turn.
    pub(crate) async fn write<T>(
        &self,
        write: impl FnOnce(&mut StepWriter<'_>) -> Result<T>,
    ) -> Result<(T, OpId)> {
        let turns = self.shared.turns().await;
        let state = self.state().await?;
        let state = self.close_unfinished(&turns, state).await?;
        let (written, state) = self.write_step(&turns, state, Extent::Whole.into(), write).await?;
        let head = state.tip.ok_or(Error::NothingToRetry)?;
        Ok((written, head))
    }

    /// Writes one part of a step behind `state`; answers what it leads to.
    pub(crate) async fn write_step<T>(
        &self,
        _turns: &Turns,
        state: State,
        part: Part,
        write: impl FnOnce(&mut StepWriter<'_>) -> Result<T>,
    ) -> Result<(T, State)> {
        let engine = &self.engine;
        let (at, from) = (engine.now(), state.view.head());
        let author = state.view.config().sender.clone();
        let revision = state.revision;
        let mut step = StepWriter::after(state.view, state.tip, engine.ids(), at).by(author);
        let written = write(&mut step)?;
        let (ops, view) = step.finish(part.extent);
        let Some(to) = ops.last().map(|op| op.id) else {
            return Err(DraftError::Nothing.into());
        };
        let head = HeadMove { branch: self.id, from, to: Some(to), cause: Cause::Append };
        let mut commit = Commit::new(self.session, at);
        commit.calls.extend(ops.first().map(|answer| answer.id).zip(part.call));
        commit.mail.extend(ops.iter().filter_map(|op| taken_in(self.id, op)));
        let state = State { view, tip: Some(to), revision: revision + ops.len() as u64 };
        self.commit(part.beside.within(commit.with_ops(ops, head))).await?;
        self.shared.set(state.clone());
        Ok((written, state))
    }

    /// Commits; forgets what was known of the branch when it turns out to be stale.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<()> {
        let operation = Operation::commit(self, commit.ops.len());
        let store = self.engine.store();
        let committing = async { store.commit(commit).await.map_err(Error::from) };
        let result = operation.run(committing).await;
        if result.is_err() {
            self.shared.forget();
        }
        result
    }
}

/// What happens to the mail that `op` takes in on `branch`.
fn taken_in(branch: BranchId, op: &Op) -> Option<MailChange> {
    let OpKind::Receive { mail } = op.kind else { return None };
    let (from, to) = (MailState::Inbox, MailState::Applied { receipt: op.id });
    Some(MailChange::Move { mail, recipient: branch, from, to, at: op.at })
}
