//! Reading all branches of a session at once.

use std::sync::Arc;

use branchwork_core::{
    filter::Filter,
    graph::{Counts, View},
    message::{BodyKind, Message, Role, ToolCall},
    store::BranchRecord,
};

use super::Session;
use crate::error::Result;

/// What there is of one branch.
#[derive(Debug, Clone, PartialEq)]
pub struct InBranch<T> {
    /// The branch.
    pub branch: BranchRecord,
    /// What was asked for.
    pub found: T,
}

impl Session {
    /// The messages of every branch that `filter` selects, branch by branch in the order in which
    /// they were made, oldest first. What branches share is in each of them, under one identifier.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::{filter::Filter, message::{Body, Draft, Role}}};
    ///
    /// let session = Engine::in_memory().session("trip").create().await?;
    /// session.default_branch().append(Draft::new(Body::instruction("Rome?"))).await?;
    /// session.default_branch().fork("other").await?;
    /// let asked = session.messages(&Filter::new().with_role(Role::User)).await?;
    /// let names: Vec<_> = asked.iter().map(|one| one.branch.name.as_str()).collect();
    /// assert_eq!(names, ["main", "other"]);
    /// assert_eq!(asked[0].found[0].id, asked[1].found[0].id);
    /// # Ok(()) }
    /// ```
    pub async fn messages(&self, filter: &Filter) -> Result<Vec<InBranch<Vec<Arc<Message>>>>> {
        self.in_each(|view| view.select(filter).map(Arc::clone).collect()).await
    }

    /// Everything models and tools said, on every branch: answers, calls and results.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn responses(&self) -> Result<Vec<InBranch<Vec<Arc<Message>>>>> {
        self.messages(&Filter::new().with_role(Role::Assistant).with_role(Role::Tool)).await
    }

    /// The answers of models that call nothing, on every branch.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn assistant_responses(&self) -> Result<Vec<InBranch<Vec<Arc<Message>>>>> {
        self.messages(&Filter::new().with_kind(BodyKind::Response)).await
    }

    /// The answers of models that call tools, on every branch.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn action_requests(&self) -> Result<Vec<InBranch<Vec<Arc<Message>>>>> {
        self.messages(&Filter::new().with_kind(BodyKind::ActionRequest)).await
    }

    /// The results of tools, on every branch.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn action_responses(&self) -> Result<Vec<InBranch<Vec<Arc<Message>>>>> {
        self.messages(&Filter::new().with_kind(BodyKind::ActionResponse)).await
    }

    /// The calls that wait to be [approved](crate::Branch::approve) or denied, on the branches that have
    /// some. Reads one op of each other branch.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn waiting_calls(&self) -> Result<Vec<InBranch<Vec<ToolCall>>>> {
        let mut all = Vec::new();
        for branch in self.branches().await? {
            let found = self.handle(branch.id).waiting_calls_of(&branch).await?;
            if !found.is_empty() {
                all.push(InBranch { branch, found });
            }
        }
        Ok(all)
    }

    /// How many messages every branch has, by role, kind and sender.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn counts(&self) -> Result<Vec<InBranch<Counts>>> {
        self.in_each(View::counts).await
    }

    /// What `of` finds in the view of every branch, in the order in which they were made.
    async fn in_each<T: Send>(&self, of: impl Fn(&View) -> T + Send) -> Result<Vec<InBranch<T>>> {
        let mut all = Vec::new();
        for branch in self.branches().await? {
            let found = of(&self.handle(branch.id).view().await?);
            all.push(InBranch { branch, found });
        }
        Ok(all)
    }
}
