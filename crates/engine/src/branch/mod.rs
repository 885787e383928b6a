//! Branches: named heads in a session's history, and what can be done with them.
//!
//! - [`Branch`] is the handle; what its clones share is in `shared`.
//! - `write` appends, edits, removes, configures.
//! - `moves` rolls back, rewinds, undoes, redoes, restores.
//! - `fold` lets summaries stand for messages.
//! - `fork` makes branches of branches; `beginning` is the first step on a new one.
//! - `approvals` answers for calls that wait for a person.
//! - `steering` reaches the turn that goes on.
//! - `tools` registers what a model may call on it.

mod approvals;
mod beginning;
mod fold;
mod fork;
mod history;
mod moves;
mod names;
mod overview;
mod shared;
mod steering;
mod tools;
mod write;

use std::sync::Arc;

use branchwork_core::{
    graph::{Op, View},
    id::{BranchId, MessageId, OpId, SessionId},
    message::Message,
    store::{BranchRecord, ReflogEntry, read},
};

pub(crate) use self::{
    beginning::{Beginning, with_beginning},
    names::is_name_taken,
    shared::{Shared, State, Turns},
    steering::{Steered, Stop},
    write::{Beside, Part},
};
pub use self::{fork::Fork, overview::Overview, write::Appended};
use crate::{
    chat::Chat,
    engine::Engine,
    error::{Error, Result},
    reference,
};

/// A handle of one branch. Cheap to clone; clones and other handles of the same engine are one.
///
/// Calls that change the branch wait for each other, and for a turn that is under way. Calls on
/// different branches run in parallel.
#[derive(Debug, Clone)]
pub struct Branch {
    engine: Engine,
    session: SessionId,
    id: BranchId,
    shared: Arc<Shared>,
}

impl Branch {
    pub(crate) fn new(engine: Engine, session: SessionId, id: BranchId) -> Self {
        let shared = engine.shared(id);
        Self { engine, session, id, shared }
    }

    /// Its identifier.
    pub const fn id(&self) -> BranchId {
        self.id
    }

    /// The identifier of its session.
    pub const fn session_id(&self) -> SessionId {
        self.session
    }

    /// What the store knows of it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] when it was deleted.
    pub async fn record(&self) -> Result<BranchRecord> {
        Ok(self.engine.store().branch(self.id).await?)
    }

    /// The conversation as it now stands. A snapshot: it does not change any more.
    ///
    /// Costs a look at the head, and reading what came since the last look. Does not wait for a
    /// turn that is under way: its instruction is there, its answer not yet.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn view(&self) -> Result<View> {
        Ok(self.refresh().await?.view)
    }

    /// The last `count` messages, oldest first, without reading the rest of the branch.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn page(&self, count: usize) -> Result<Vec<Arc<Message>>> {
        let head = self.record().await?.head;
        Ok(read::page(self.engine.store(), self.session, head, count).await?)
    }

    /// The message that `reference` names: by identifier, by a prefix of one, or `~n` for the one
    /// `n` before the last.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Ambiguous`].
    pub async fn message(&self, reference: &str) -> Result<Arc<Message>> {
        let view = self.view().await?;
        let not_found = || Error::not_found("message", reference);
        if let Some(back) = reference.strip_prefix('~') {
            let back = if back.is_empty() { Ok(1) } else { back.parse() };
            let back: usize = back.map_err(|_number| not_found())?;
            return view.messages().rev().nth(back).map(Arc::clone).ok_or_else(not_found);
        }
        let exact = reference.parse::<MessageId>().ok().and_then(|id| view.message(id));
        if let Some(message) = exact {
            return Ok(Arc::clone(message));
        }
        let message =
            reference::find("message", reference, "msg_", view.messages(), |message| message.id)?;
        Ok(Arc::clone(message))
    }

    /// One op of the session's history.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] when there is none.
    pub async fn op(&self, id: OpId) -> Result<Op> {
        Ok(read::op(self.engine.store(), self.session, id).await?)
    }

    /// The last `limit` moves of its head, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn reflog(&self, limit: usize) -> Result<Vec<ReflogEntry>> {
        Ok(self.engine.store().reflog(self.id, u64::MAX, limit).await?)
    }

    /// Asks the model: `.await` it for the reply, or `.stream()` it for the events.
    pub fn chat(&self, instruction: impl Into<String>) -> Chat {
        Chat::ask(self.clone(), instruction.into())
    }

    /// Asks the model again for an answer to the last instruction. What followed it goes out of the
    /// view, and the configuration stays as it is; one [`undo`](Self::undo) brings the old answer
    /// back.
    pub fn retry(&self) -> Chat {
        Chat::again(self.clone())
    }

    /// Goes on with a turn that a crash cut off, or a process that is gone: `.await` it for the reply,
    /// as a [`chat`](Self::chat). Say again which tools and limits it has. The rounds that it had taken
    /// count; calls, tokens and time are counted anew, and so is [`Reply::usage`](crate::Reply::usage).
    ///
    /// What is durable is not repeated: answers of the model, results of calls. A call that had no
    /// result runs again when its tool [may](branchwork_core::tool::ToolEffect); of any other the model
    /// is told that nobody knows. The calls of a turn that was parked run when they are approved.
    ///
    /// # Errors
    ///
    /// [`Error::NothingToResume`] when the last turn was not cut off; [`Error::Parked`] while calls of
    /// it [wait for approval](Self::waiting_calls); [`Error::NotFound`] for the tool of an approved call
    /// that is not offered; else as for a [chat](crate::Chat).
    pub fn resume(&self) -> Chat {
        Chat::resume(self.clone())
    }

    /// Whether its last turn did not end: it was cut off, is parked, or goes on, here or in another
    /// process.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn is_cut_off(&self) -> Result<bool> {
        Ok(self.refresh().await?.is_unfinished())
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}
