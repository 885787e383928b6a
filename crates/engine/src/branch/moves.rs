//! Moving the head: rollback, rewind, undo, redo, restore. Nothing is lost by any of them.

use branchwork_core::{
    id::{MessageId, OpId},
    store::{Cause, Commit, HeadMove, read},
};

use super::{Beside, Branch, State, Turns, history::History};
use crate::{
    error::{Error, Result},
    mail::moves_between,
};

impl Branch {
    /// Takes the last `count` messages off. A turn group goes as a whole; 0 takes nothing off.
    ///
    /// # Errors
    ///
    /// [`Error::Rollback`] when there are fewer; [`Error::Conflict`] when another process moved
    /// the branch.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the head where it was or where it goes. So for all moves.
    ///
    /// # Mail
    ///
    /// What was taken in by mail waits in the inbox again when its receipt is left, and is taken in when a
    /// receipt comes back; so for all moves. When somebody moves such a mail meanwhile it is
    /// [`Error::Conflict`], and [`Error::TooManyReceipts`] when there are more of them than one commit changes.
    pub async fn rollback(&self, count: usize) -> Result<Option<OpId>> {
        let (turns, state) = self.current().await?;
        let to = state.view.head_before_last(count)?;
        self.move_head(&turns, &state, to, Cause::Rewind).await
    }

    /// Goes back to `message`: it is the last one then. Inside a turn group, the group's last
    /// result is.
    ///
    /// # Errors
    ///
    /// [`Error::Change`] when the message is not on this branch; [`Error::Conflict`] when another
    /// process moved the branch.
    pub async fn rewind(&self, message: MessageId) -> Result<Option<OpId>> {
        let (turns, state) = self.current().await?;
        let to = state.view.head_at(message)?;
        self.move_head(&turns, &state, Some(to), Cause::Rewind).await
    }

    /// Takes the last step back: an append, an edit, a whole turn, a rewind. Again takes back the
    /// one before. What the branch began with stays.
    ///
    /// # Errors
    ///
    /// [`Error::NothingToUndo`]; [`Error::Conflict`] when another process moved the branch.
    pub async fn undo(&self) -> Result<Option<OpId>> {
        let (turns, state) = self.current().await?;
        let to = History::of(self).undo_target().await?.ok_or(Error::NothingToUndo)?;
        self.move_head(&turns, &state, to, Cause::Undo).await
    }

    /// Does the last undone step again, unless something was done since.
    ///
    /// # Errors
    ///
    /// [`Error::NothingToRedo`]; [`Error::Conflict`] when another process moved the branch.
    pub async fn redo(&self) -> Result<Option<OpId>> {
        let (turns, state) = self.current().await?;
        let to = History::of(self).redo_target().await?.ok_or(Error::NothingToRedo)?;
        self.move_head(&turns, &state, to, Cause::Redo).await
    }

    /// Goes to any place that the branch's own history or reflog holds.
    ///
    /// # Errors
    ///
    /// [`Error::NotInHistory`] when it never was there; [`Error::Conflict`] when another process
    /// moved the branch.
    pub async fn restore(&self, op: OpId) -> Result<Option<OpId>> {
        let (turns, state) = self.current().await?;
        if state.view.lineage().depth_of(op).is_none() && !History::of(self).holds(op).await? {
            return Err(Error::NotInHistory { op, branch: self.id });
        }
        self.move_head(&turns, &state, Some(op), Cause::Restore).await
    }

    /// Goes from `from` to `to`, which a branch reached that was forked from there; stays where it is when it
    /// has been there.
    pub(crate) async fn promote(&self, from: Option<OpId>, to: OpId) -> Result<Option<OpId>> {
        let (turns, state) = self.current().await?;
        let head = state.view.head();
        if state.view.lineage().depth_of(to).is_some() {
            return Ok(head);
        }
        if head != from {
            return Err(Error::MovedSince { branch: self.id, head });
        }
        self.move_head(&turns, &state, Some(to), Cause::Promote).await
    }

    /// The op that `reference` names: by identifier, by a prefix of one, `@-` for the head before
    /// the last move, or a message.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Ambiguous`].
    pub async fn find_op(&self, reference: &str) -> Result<OpId> {
        History::of(self).find_op(reference).await
    }

    async fn current(&self) -> Result<(Turns, State)> {
        let turns = self.shared.turns().await;
        let state = self.refresh().await?;
        Ok((turns, state))
    }

    pub(crate) async fn move_head(
        &self,
        turns: &Turns,
        state: &State,
        to: Option<OpId>,
        cause: Cause,
    ) -> Result<Option<OpId>> {
        if state.view.head() == to {
            return Ok(to);
        }
        self.move_head_and(turns, state, (to, cause), Beside::default()).await
    }

    /// Moves the head, or checks that it is still there, and does something beside it.
    pub(crate) async fn move_head_and(
        &self,
        _turns: &Turns,
        state: &State,
        (to, cause): (Option<OpId>, Cause),
        beside: Beside,
    ) -> Result<Option<OpId>> {
        let (from, at) = (state.view.head(), self.engine.now());
        let view = read::follow(self.engine.store(), self.session, &state.view, to).await?;
        let mail = moves_between(self, (&state.view, &view), at).await?;
        let head = HeadMove { branch: self.id, from, to, cause };
        let commit = Commit::new(self.session, at).with_head(head).with_mail(mail);
        self.commit(beside.within(commit)).await?;
        if from == to {
            return Ok(to);
        }
        self.shared.set(State { view, tip: state.tip, revision: state.revision + 1 });
        Ok(to)
    }
}
