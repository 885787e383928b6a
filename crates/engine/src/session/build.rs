//! Making sessions.

use std::sync::Arc;

use branchwork_core::{
    config::{Change as Setting, ConfigPatch},
    graph::View,
    id::{BranchId, SessionId},
    provider::Provider,
    store::{Change, Commit},
};

use super::{Session, check_session_name};
use crate::{
    branch::{Beginning, with_beginning},
    engine::Engine,
    error::{Error, Result},
    reference::ModelReference,
};

/// The name of the branch that every session is born with.
const DEFAULT_BRANCH: &str = "main";

/// Makes a session with its default branch, `main`. What `main` begins with are the
/// [defaults](Session::defaults) of branches that are made later.
#[derive(Debug)]
#[must_use = "a session is made by `create`"]
pub struct SessionBuilder {
    engine: Engine,
    name: Option<String>,
    model: Option<String>,
    beginning: Beginning,
}

impl SessionBuilder {
    pub(crate) fn new(engine: Engine, name: Option<String>) -> Self {
        Self { engine, name, model: None, beginning: Beginning::default() }
    }

    /// Registers `provider` as `name`, and asks it.
    pub fn provider(mut self, name: impl Into<String>, provider: Arc<dyn Provider>) -> Self {
        let name = name.into();
        self.engine.register(name.clone(), provider);
        self.beginning.config.provider = Setting::Set(name);
        self
    }

    /// Asks this model: `provider:model`, or `model` of the provider that is set.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Configures it, on top of what was said before. What [`model`](Self::model) says comes on top.
    pub fn config(mut self, config: ConfigPatch) -> Self {
        self.beginning.config = self.beginning.config.then(config);
        self
    }

    /// Begins the conversation with a system message.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.beginning.system = Some(text.into());
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
        let Self { engine, name, model, mut beginning } = self;
        if let Some(model) = &model {
            let ModelReference { provider, model } = ModelReference::parse(model)?;
            beginning.config = beginning.config.with_model(provider, model);
        }
        beginning.check()?;
        let defaults = Box::new(beginning.defaults());
        let (ops, _) = beginning.write(&engine, View::default())?;
        let branch_name = DEFAULT_BRANCH.to_owned();
        let create = Change::CreateSession { name, branch, branch_name };
        let commit = Commit::new(session, engine.now()).with_change(create);
        if ops.is_empty() {
            return Ok(commit);
        }
        let commit = commit.with_change(Change::SetDefaults { defaults });
        Ok(with_beginning(commit, (branch, None), ops))
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
