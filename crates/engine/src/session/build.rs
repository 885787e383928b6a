//! Making sessions.

use std::sync::Arc;

use branchwork_core::{
    config::{Change as Setting, ConfigPatch},
    graph::{Extent, StepWriter, View},
    id::{BranchId, SessionId},
    message::{Body, Draft},
    provider::Provider,
    store::{Cause, Change, Commit, HeadMove},
};

use super::{Session, check_session_name};
use crate::{
    engine::Engine,
    error::{Error, Result},
    reference::ModelReference,
};

/// The name of the branch that every session is born with.
const DEFAULT_BRANCH: &str = "main";

/// Makes a session with its default branch, `main`.
#[derive(Debug)]
#[must_use = "a session is made by `create`"]
pub struct SessionBuilder {
    engine: Engine,
    name: Option<String>,
    config: ConfigPatch,
    model: Option<String>,
    system: Option<String>,
}

impl SessionBuilder {
    pub(crate) fn new(engine: Engine, name: Option<String>) -> Self {
        Self { engine, name, config: ConfigPatch::default(), model: None, system: None }
    }

    /// Registers `provider` as `name` and asks it from the default branch.
    pub fn provider(mut self, name: impl Into<String>, provider: Arc<dyn Provider>) -> Self {
        let name = name.into();
        self.engine.register(name.clone(), provider);
        self.config.provider = Setting::Set(name);
        self
    }

    /// Asks this model: `provider:model`, or `model` of the provider that is set.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Configures the default branch. What [`model`](Self::model) says comes on top.
    pub fn config(mut self, config: ConfigPatch) -> Self {
        self.config = config;
        self
    }

    /// Begins the conversation with a system message.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// Makes the session.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the name is taken, [`Error::BadName`], [`Error::Config`],
    /// [`Error::Draft`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no session or the whole session.
    pub async fn create(self) -> Result<Session> {
        if let Some(name) = &self.name {
            check_session_name(name)?;
        }
        let engine = self.engine.clone();
        let session = SessionId::from_bits(engine.ids().next_bits());
        let branch = BranchId::from_bits(engine.ids().next_bits());
        let commit = self.commit(session, branch)?;
        engine.store().commit(commit).await?;
        let record = engine.store().session(session).await?;
        Ok(Session::new(engine, &record))
    }

    fn commit(self, session: SessionId, branch: BranchId) -> Result<Commit> {
        let at = self.engine.now();
        let mut config = self.config;
        if let Some(model) = &self.model {
            let ModelReference { provider, model } = ModelReference::parse(model)?;
            config = config.with_model(provider, model);
        }
        config.check()?;
        let mut step = StepWriter::after(View::default(), None, self.engine.ids(), at);
        if !config.is_empty() {
            step.configure(config)?;
        }
        if let Some(system) = self.system {
            let draft = Draft::new(Body::System { text: system });
            draft.check()?;
            step.message(draft)?;
        }
        let (ops, _) = step.finish(Extent::Whole);
        let branch_name = DEFAULT_BRANCH.to_owned();
        let create = Change::CreateSession { name: self.name, branch, branch_name };
        let commit = Commit::new(session, at).with_change(create);
        let Some(last) = ops.last() else { return Ok(commit) };
        let to = Some(last.id);
        let head = HeadMove { branch, from: None, to, cause: Cause::Append };
        Ok(commit.with_ops(ops, head))
    }
}

impl Engine {
    /// Whether a session of this name exists, and which.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn session_named(&self, name: &str) -> Result<Option<Session>> {
        let sessions = self.sessions().await?;
        let record = sessions.iter().find(|session| session.name.as_deref() == Some(name));
        Ok::<_, Error>(record.map(|record| Session::new(self.clone(), record)))
    }
}
