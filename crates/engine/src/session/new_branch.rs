//! Making branches that share nothing.

use std::pin::Pin;

use branchwork_core::{
    config::ConfigPatch,
    graph::View,
    id::BranchId,
    store::{Change, Commit},
};

use super::{Session, check_branch_name};
use crate::{
    branch::{Beginning, Branch, with_beginning},
    error::Result,
};

/// A branch that is being made: `.await` it.
#[derive(Debug)]
#[must_use = "a branch is made when it is awaited"]
pub struct NewBranch {
    session: Session,
    name: String,
    beginning: Beginning,
}

impl Session {
    /// Makes a branch that shares no history. It begins with the [defaults](Self::defaults) of the
    /// session, and has its tools.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`](crate::Error::Conflict) when the name is taken,
    /// [`Error::BadName`](crate::Error::BadName), [`Error::Config`](crate::Error::Config),
    /// [`Error::Draft`](crate::Error::Draft).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no branch or the whole branch.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{BaseBranch, Engine};
    ///
    /// let session = Engine::in_memory().session("trip").system("Be brief.").create().await?;
    /// let critic = session.create_branch("critic").system("Find what is wrong.").await?;
    /// let other = session.create_branch("other").await?;
    /// assert_eq!(critic.first_system().await?.unwrap().text(), "Find what is wrong.");
    /// assert_eq!(other.first_system().await?.unwrap().text(), "Be brief.");
    /// # Ok(()) }
    /// ```
    pub fn create_branch(&self, name: impl Into<String>) -> NewBranch {
        let beginning = Beginning::default();
        NewBranch { session: self.clone(), name: name.into(), beginning }
    }
}

impl NewBranch {
    /// Configures it, on top of the defaults of the session.
    pub fn config(mut self, config: ConfigPatch) -> Self {
        self.beginning.config = self.beginning.config.then(config);
        self
    }

    /// Begins its conversation with this system message, not with that of the session.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.beginning.system = Some(text.into());
        self
    }

    async fn make(self) -> Result<Branch> {
        let Self { session, name, beginning } = self;
        check_branch_name(&name)?;
        let engine = session.engine();
        let beginning = beginning.or(&session.defaults().await?);
        beginning.check()?;
        let branch = BranchId::from_bits(engine.ids().next_bits());
        let (ops, _) = beginning.write(engine, View::default())?;
        let change = Change::CreateBranch { branch, name, forked_from: None, head: None };
        let commit = Commit::new(session.id(), engine.now()).with_change(change);
        engine.store().commit(with_beginning(commit, (branch, None), ops)).await?;
        Ok(session.handle(branch))
    }
}

impl IntoFuture for NewBranch {
    type Output = Result<Branch>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}
