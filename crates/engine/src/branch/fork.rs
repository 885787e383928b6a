//! Forking: a new head on an op that exists.

use std::pin::Pin;

use branchwork_core::{
    config::ConfigPatch,
    id::{BranchId, MessageId, OpId},
    store::{Change, Commit, Conflict, read},
};

use super::{Beginning, Branch, State, with_beginning};
use crate::{
    error::{Error, Result},
    session::check_branch_name,
};

/// A fork that is being made: `.await` it.
#[derive(Debug)]
#[must_use = "a fork is made when it is awaited"]
pub struct Fork {
    branch: Branch,
    name: Option<String>,
    at: Place,
    beginning: Beginning,
    takes_mail: bool,
}

/// Where a fork begins.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Where the branch is.
    Head,
    /// After a message.
    Message(MessageId),
    /// Where the branch was.
    Op(Option<OpId>),
}

impl Branch {
    /// Forks this branch: a new branch `name` whose history is this one's, up to its head or to
    /// [`at`](Fork::at). Nothing is copied, whatever its length.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the name is taken, [`Error::BadName`], [`Error::Change`] when the
    /// message of `at` is not on this branch, [`Error::Config`], [`Error::Draft`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no branch or the whole branch.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::message::{Body, Draft}};
    ///
    /// let session = Engine::in_memory().session("trip").create().await?;
    /// let main = session.default_branch();
    /// let first = main.append(Draft::new(Body::instruction("Rome?"))).await?;
    /// main.append(Draft::new(Body::response("Rome."))).await?;
    /// let other = main.fork("other").at(first.messages[0]).await?;
    /// assert_eq!((main.view().await?.len(), other.view().await?.len()), (2, 1));
    /// # Ok(()) }
    /// ```
    pub fn fork(&self, name: impl Into<String>) -> Fork {
        Fork::new(self.clone(), Some(name.into()))
    }

    /// Forks this branch under the first free name of the form `main-2`, `main-3`.
    pub fn fork_unnamed(&self) -> Fork {
        Fork::new(self.clone(), None)
    }
}

impl Fork {
    fn new(branch: Branch, name: Option<String>) -> Self {
        let (at, beginning, takes_mail) = (Place::Head, Beginning::default(), false);
        Self { branch, name, at, beginning, takes_mail }
    }

    /// Forks after `message`, with the configuration of that moment. Inside a turn group, after
    /// the group.
    pub const fn at(mut self, message: MessageId) -> Self {
        self.at = Place::Message(message);
        self
    }

    /// Forks where the branch was, wherever it is by now.
    pub(crate) const fn at_head(mut self, head: Option<OpId>) -> Self {
        self.at = Place::Op(head);
        self
    }

    /// Configures the fork, on top of what it has from its parent.
    pub fn config(mut self, config: ConfigPatch) -> Self {
        self.beginning.config = self.beginning.config.then(config);
        self
    }

    /// Lets the system message of the fork say something else.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.beginning.system = Some(text.into());
        self
    }

    /// Gives the fork the mail that waits for this branch; else that stays with this branch.
    pub const fn with_mail(mut self) -> Self {
        self.takes_mail = true;
        self
    }

    /// The fork of that name that was made before; else makes it.
    pub(crate) async fn once(self) -> Result<Branch> {
        let (parent, name) = (self.branch.clone(), self.name.clone());
        if let Some(found) = parent.find_fork(name.as_deref()).await? {
            return Ok(found);
        }
        match self.make().await {
            // Another process made it since.
            Err(error @ Error::Conflict(Conflict::BranchNameTaken { .. })) => {
                parent.find_fork(name.as_deref()).await?.ok_or(error)
            }
            made => made,
        }
    }

    async fn make(self) -> Result<Branch> {
        let Self { branch, name, at, beginning, takes_mail } = self;
        beginning.check()?;
        if let Some(name) = &name {
            check_branch_name(name)?;
        }
        let state = branch.refresh().await?;
        let head = match at {
            Place::Head => state.view.head(),
            Place::Message(message) => Some(state.view.head_at(message)?),
            Place::Op(op) => op,
        };
        let view = read::follow(branch.engine.store(), branch.session, &state.view, head).await?;
        let engine = &branch.engine;
        let (ops, view) = beginning.write(engine, view)?;
        let id = BranchId::from_bits(engine.ids().next_bits());
        let (session, forked_from, at) = (branch.session, Some(branch.id), engine.now());
        let mail = if takes_mail { branch.mail_for_fork(id, at).await? } else { Vec::new() };
        let (revision, tip) = (1 + ops.len() as u64, ops.last().map(|last| last.id));
        let make = move |name: String| {
            let change = Change::CreateBranch { branch: id, name, forked_from, head };
            let commit = Commit::new(session, at).with_change(change).with_mail(mail.clone());
            Ok(with_beginning(commit, (id, head), ops.clone()))
        };
        match name {
            Some(name) => engine.store().commit(make(name)?).await?,
            None => drop(branch.commit_with_free_name(make).await?),
        }
        engine.tool_sets().fork(branch.id, id);
        let fork = Branch::new(engine.clone(), branch.session, id);
        fork.shared.set(State { view, tip, revision });
        Ok(fork)
    }
}

impl Branch {
    /// The fork of this branch that has that name; a conflict when another branch has it.
    async fn find_fork(&self, name: Option<&str>) -> Result<Option<Self>> {
        let Some(name) = name else { return Ok(None) };
        let branches = self.engine.store().branches(self.session).await?;
        let Some(found) = branches.into_iter().find(|branch| branch.name == name) else {
            return Ok(None);
        };
        if found.forked_from != Some(self.id) {
            return Err(Conflict::BranchNameTaken { name: found.name }.into());
        }
        self.engine.tool_sets().fork(self.id, found.id);
        Ok(Some(Self::new(self.engine.clone(), self.session, found.id)))
    }
}

impl IntoFuture for Fork {
    type Output = Result<Branch>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}
