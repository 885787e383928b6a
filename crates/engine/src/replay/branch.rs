//! Replaying a branch: what is wanted of it, and what came of it.

use std::{pin::Pin, sync::Arc};

use branchwork_core::{id::MessageId, store::Store};

use super::{
    acts,
    drift::{Drift, Mode},
    prompter::Prompter,
    source::ReplayTools,
    stage::ops_since,
    walk::Walk,
};
use crate::{
    branch::Branch,
    engine::Engine,
    error::{Error, Result},
    session::Session,
};

/// A branch that is to be had again: `.await` it.
///
/// Its turns are had one after the other by the machine that has every turn, on a session of their own: the
/// model says what it said, tools give what they gave, steering is heard and approvals are given where they
/// were. So a change of what is sent, or of how answers are put together, is found. Appends, edits,
/// configuration and the like between them are done as they were done.
///
/// Nothing is sent, no tool runs, and nothing is written to the source.
///
/// # Errors
///
/// [`Error::ReplayDiffers`] when something is not as it was logged, unless it may
/// [drift](Self::with_drift); [`Error::NotFound`] for the message of [`from`](Self::from);
/// [`Error::Store`].
///
/// # Cancel safety
///
/// Dropping the future leaves what had come out by then.
#[derive(Debug)]
#[must_use = "a replay is done when it is awaited"]
pub struct Replay {
    branch: Branch,
    mode: Mode,
    from: Option<MessageId>,
    store: Option<Arc<dyn Store>>,
}

/// What came of a replay.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replayed {
    /// The session that was made for it: its default branch came out.
    pub session: Session,
    /// The turns that were had again.
    pub turns: usize,
    /// The calls of models that were compared.
    pub calls: usize,
    /// The messages that were compared.
    pub messages: usize,
    /// The turns that could not be had again: their requests were compared, and they are as they were.
    pub copied: Vec<Copied>,
    /// What differed, in the order in which it came.
    pub drifts: Vec<Drift>,
}

/// A turn that could not be had again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Its first message.
    pub first: MessageId,
    /// Why not.
    pub why: &'static str,
}

impl Branch {
    /// Begins to replay this branch from what is logged of it, offline and strictly.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// # use std::sync::Arc;
    /// # use branchwork_testkit::{Script, ScriptedProvider};
    /// # use branchwork::Engine;
    /// # let provider = Arc::new(ScriptedProvider::new().with_script(Script::text("Rome.")));
    /// # let session = Engine::in_memory().session("trip").provider("local", provider).model("tiny");
    /// let main = session.create().await?.default_branch();
    /// main.chat("Where is it warm?").await?;
    ///
    /// let replayed = main.replay().await?;
    /// assert_eq!((replayed.turns, replayed.calls, replayed.messages), (1, 1, 2));
    /// let out = replayed.session.default_branch();
    /// assert_eq!(out.view().await?.last().unwrap().text(), "Rome.");
    /// # Ok(()) }
    /// ```
    pub fn replay(&self) -> Replay {
        Replay { branch: self.clone(), mode: Mode::Strict, from: None, store: None }
    }
}

impl Replay {
    /// Goes on where something differs, and tells all of it.
    pub const fn with_drift(mut self) -> Self {
        self.mode = Mode::Drift;
        self
    }

    /// Begins with the turn of `message`: what comes before is taken as it is.
    pub const fn from(mut self, message: MessageId) -> Self {
        self.from = Some(message);
        self
    }

    /// Keeps what comes out in `store`; in memory when not said.
    pub fn in_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    async fn run(self) -> Result<Replayed> {
        let Self { branch, mode, from, store } = self;
        let tape = branch.tape().await?;
        let lineage = branch.view().await?.lineage().clone();
        let acts = acts::acts(ops_since(&branch, &lineage, 0).await?, &tape);
        let from = match from {
            None => 0,
            Some(message) => acts::place_of(&acts, message)
                .ok_or_else(|| Error::not_found("message", &message))?,
        };
        let builder = Engine::builder();
        let engine = match store {
            Some(store) => builder.store(store).build(),
            None => builder.build(),
        };
        let names: Vec<_> = tape.providers().map(str::to_owned).collect();
        let prompter = Arc::new(Prompter::new(tape, mode));
        for name in names {
            engine.register(name, Arc::clone(&prompter) as _);
        }
        let session = engine.unnamed_session().create().await?;
        session.register_source(ReplayTools(Arc::clone(&prompter)))?;
        let mut walk = Walk::new(session, prompter, mode);
        for (place, act) in acts.into_iter().enumerate() {
            walk.act(act, place >= from).await?;
        }
        Ok(walk.replayed)
    }
}

impl IntoFuture for Replay {
    type Output = Result<Replayed>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
