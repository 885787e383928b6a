//! Bringing single turn groups.

use std::pin::Pin;

use branchwork_core::{id::MessageId, merge::MergePolicy};

use super::{Merge, MergePlan, Merged, builder::Mode, run};
use crate::{branch::Branch, error::Result, session::Session};

/// Messages that are to be picked: say [`into`](Self::into) which branch.
#[derive(Debug)]
#[must_use = "nothing happens until it is said into which branch, and that is awaited"]
pub struct CherryPickFrom {
    session: Session,
    from: Branch,
    messages: Vec<MessageId>,
}

/// Brings single turn groups of one branch into another: `.await` it, or [`plan`](Self::plan) it first.
#[derive(Debug, Clone)]
#[must_use = "nothing happens until it is awaited or planned"]
pub struct CherryPick {
    merge: Merge,
}

impl Session {
    /// Brings the turn groups of `messages` from one branch into another, in the order that they have
    /// there. As a [merge](Self::merge) otherwise: copies know where they were first said, and what the
    /// target knows does not come again. Of a summary comes what it stands for.
    ///
    /// An answer that calls tools and would stand behind another answer brings the instruction that it
    /// follows, as no provider takes it otherwise.
    ///
    /// # Errors
    ///
    /// When it is awaited: [`Error::Change`](crate::Error::Change) for a message that does not stand on
    /// `from`, [`Error::Draft`](crate::Error::Draft) when none is picked; else as for [`merge`](Self::merge).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::message::{Body, Draft}};
    ///
    /// let session = Engine::in_memory().session("trip").create().await?;
    /// let main = session.default_branch();
    /// let other = main.fork("other").await?;
    /// let said = ["Rome?", "Oslo?"].map(|text| Draft::new(Body::instruction(text)));
    /// let ids = other.append_all(said.into()).await?.messages;
    /// session.cherry_pick(&other, [ids[1]]).into(&main).await?;
    /// assert_eq!(main.view().await?.last().unwrap().text(), "Oslo?");
    /// # Ok(()) }
    /// ```
    pub fn cherry_pick(
        &self,
        from: &Branch,
        messages: impl IntoIterator<Item = MessageId>,
    ) -> CherryPickFrom {
        let messages = messages.into_iter().collect();
        CherryPickFrom { session: self.clone(), from: from.clone(), messages }
    }
}

impl CherryPickFrom {
    /// Brings them into `into`.
    pub fn into(self, into: &Branch) -> CherryPick {
        let Self { session, from, messages } = self;
        let (mode, policy) = (Mode::Pick(messages), MergePolicy::Ours);
        let into = into.clone();
        CherryPick { merge: Merge { session, from, into, mode, policy, deletes_source: false } }
    }
}

impl CherryPick {
    /// Says what it would do, and changes nothing.
    ///
    /// # Errors
    ///
    /// As for the cherry-pick.
    pub async fn plan(self) -> Result<MergePlan> {
        self.merge.plan().await
    }
}

impl IntoFuture for CherryPick {
    type Output = Result<Merged>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(run::run(self.merge, None))
    }
}
