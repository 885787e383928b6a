//! Sessions: branches over one shared history.

mod across;
mod build;
mod names;
mod new_branch;

use std::sync::{Arc, Mutex, PoisonError};

use branchwork_core::{
    config::Defaults,
    id::{BranchId, SessionId},
    message::check_name,
    store::{BranchRecord, Change, Commit, SessionRecord},
};

pub use self::{
    across::InBranch, build::SessionBuilder, names::BranchNames, new_branch::NewBranch,
};
use crate::{
    branch::{Beginning, Branch},
    engine::Engine,
    error::{Error, Result},
    reference,
    tools::{Tool, ToolSource, Tools},
};

/// A handle of one session. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Session {
    engine: Engine,
    id: SessionId,
    // A std mutex around one identifier, never held across an await.
    default_branch: Arc<Mutex<BranchId>>,
}

impl Session {
    pub(crate) fn new(engine: Engine, record: &SessionRecord) -> Self {
        let default_branch = Arc::new(Mutex::new(record.default_branch));
        Self { engine, id: record.id, default_branch }
    }

    /// Its identifier.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The engine it belongs to.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What the store knows of it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] when it was deleted.
    pub async fn record(&self) -> Result<SessionRecord> {
        Ok(self.engine.store().session(self.id).await?)
    }

    /// The default branch, as this handle last knew it.
    pub fn default_branch(&self) -> Branch {
        self.handle(*self.default())
    }

    /// The branches, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn branches(&self) -> Result<Vec<BranchRecord>> {
        Ok(self.engine.store().branches(self.id).await?)
    }

    /// The branch that `reference` names: by name, by identifier, or by a prefix of one.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Ambiguous`].
    pub async fn branch(&self, reference: &str) -> Result<Branch> {
        let branches = self.branches().await?;
        let id = reference::find_branch(&branches, reference)?.id;
        Ok(self.handle(id))
    }

    /// What new branches begin with: what [`SessionBuilder`] was told, until it is changed.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn defaults(&self) -> Result<Defaults> {
        Ok(self.record().await?.defaults)
    }

    /// Says what new branches begin with. Those that are there, and forks of them, stay as they
    /// are.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], [`Error::Draft`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the old ones or the new ones.
    pub async fn set_defaults(&self, defaults: Defaults) -> Result<()> {
        Beginning::default().or(&defaults).check()?;
        self.commit(Change::SetDefaults { defaults: Box::new(defaults) }).await
    }

    /// Gives it another name, or none.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the name is taken, [`Error::BadName`].
    pub async fn rename(&self, name: Option<String>) -> Result<()> {
        if let Some(name) = &name {
            check_session_name(name)?;
        }
        self.commit(Change::RenameSession { name }).await
    }

    /// Archives it: it is kept, and its record says so. The command line leaves it out of lists.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn archive(&self) -> Result<()> {
        self.commit(Change::ArchiveSession { archived: true }).await
    }

    /// Takes it out of the archive.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn unarchive(&self) -> Result<()> {
        self.commit(Change::ArchiveSession { archived: false }).await
    }

    /// Waits for the turns of its branches, and lets go of the tools that were registered for it. Other
    /// handles go on: what they need is read again, and tools have to be registered again.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn close(self) -> Result<()> {
        for branch in self.branches().await? {
            drop(self.handle(branch.id).shared().turns().await);
        }
        let branches = self.branches().await?.into_iter().map(|branch| branch.id);
        self.engine.tool_sets().forget_session(self.id, branches);
        Ok(())
    }

    /// Deletes it with all it holds. The space is taken by the next [`Engine::gc`].
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn delete(&self) -> Result<()> {
        let branches = self.branches().await?.into_iter().map(|branch| branch.id);
        self.commit(Change::DeleteSession).await?;
        self.engine.tool_sets().forget_session(self.id, branches);
        Ok(())
    }

    /// Makes `branch` the default one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] when it is not a branch of this session.
    pub async fn switch(&self, branch: &Branch) -> Result<()> {
        self.commit(Change::SetDefaultBranch { branch: branch.id() }).await?;
        self.defaults_to(branch.id());
        Ok(())
    }

    /// The tools that branches of this session begin with. A snapshot.
    pub fn tools(&self) -> Tools {
        self.engine.tool_sets().of_session(self.id)
    }

    /// Registers a tool for every branch of this session that has no tools of its own yet.
    ///
    /// # Errors
    ///
    /// [`Error::Register`]: there is one of its name, or its name or schema cannot be used.
    pub fn register(&self, tool: impl Tool) -> Result<()> {
        Ok(self.engine.tool_sets().shared(self.id).register(tool)?)
    }

    /// Takes a tool away from the branches of this session that have no tools of their own.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none of that name.
    pub fn remove_tool(&self, name: &str) -> Result<()> {
        self.engine.tool_sets().shared(self.id).take(name)
    }

    /// Registers the tools of a source for every branch of this session that has no tools of its own yet.
    /// When the source has others, the next turn has those.
    ///
    /// # Errors
    ///
    /// [`Error::Register`], as [`Tools::register_source`] says.
    pub fn register_source(&self, source: impl ToolSource) -> Result<()> {
        Ok(self.engine.tool_sets().shared(self.id).register_source(source)?)
    }

    /// Takes a source and its tools away from the branches of this session that have no tools of their own.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none of that name.
    pub fn remove_source(&self, name: &str) -> Result<()> {
        self.engine.tool_sets().shared(self.id).take_source(name)
    }

    pub(crate) fn handle(&self, id: BranchId) -> Branch {
        Branch::new(self.engine.clone(), self.id, id)
    }

    /// `branch` became the default one.
    pub(crate) fn defaults_to(&self, branch: BranchId) {
        *self.default() = branch;
    }

    fn default(&self) -> std::sync::MutexGuard<'_, BranchId> {
        self.default_branch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn commit(&self, change: Change) -> Result<()> {
        let commit = Commit::new(self.id, self.engine.now()).with_change(change);
        Ok(self.engine.store().commit(commit).await?)
    }
}

/// Checks a name for a session.
pub(crate) fn check_session_name(name: &str) -> Result<()> {
    check_reference_name("the session", name)
}

/// Checks a name for a branch.
pub(crate) fn check_branch_name(name: &str) -> Result<()> {
    check_reference_name("the branch", name)
}

/// A name that people can refer to: `@` and `~` have a meaning in references.
fn check_reference_name(what: &'static str, name: &str) -> Result<()> {
    let problem = match check_name(name) {
        Err(problem) => Some(problem),
        Ok(()) if name.contains(['@', '~']) => {
            Some("has a name that holds `@` or `~`, which references use".to_owned())
        }
        Ok(()) if name.starts_with('-') => {
            Some("has a name that begins with `-`, like an option".to_owned())
        }
        Ok(()) => None,
    };
    problem.map_or(Ok(()), |problem| Err(Error::BadName { what, problem }))
}
