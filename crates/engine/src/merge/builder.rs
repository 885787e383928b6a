//! Saying what to merge, and how.

use std::pin::Pin;

use branchwork_core::{config::ConfigPatch, id::MessageId, merge::MergePolicy};

use super::{MergePlan, Merged, run};
use crate::{branch::Branch, error::Result, session::Session};

/// A branch that is to be merged: say [`into`](Self::into) which.
#[derive(Debug)]
#[must_use = "nothing happens until it is said into which branch, and that is awaited"]
pub struct MergeFrom {
    session: Session,
    from: Branch,
}

/// Brings what is new on one branch into another: `.await` it, or [`plan`](Self::plan) it first.
///
/// # Cancel safety
///
/// Dropping the future leaves the target as it was, or merged. A fork on which a model was asked for a
/// summary may be left.
#[derive(Debug, Clone)]
#[must_use = "nothing happens until it is awaited or planned"]
pub struct Merge {
    pub(super) session: Session,
    pub(super) from: Branch,
    pub(super) into: Branch,
    pub(super) mode: Mode,
    pub(super) policy: MergePolicy,
    pub(super) deletes_source: bool,
}

/// How to merge.
#[derive(Debug, Clone)]
pub(super) enum Mode {
    Append,
    Interleave,
    Summary(String),
    /// The model of the source makes the summary, so configured.
    SummaryBy(Box<ConfigPatch>),
    FastForward,
    Pick(Vec<MessageId>),
}

impl Session {
    /// Merges `from` into another branch of this session: `session.merge(&rainy).into(&main).await?`.
    ///
    /// What is new on `from` since both were the same comes behind what is there, as copies that know
    /// [where they were first said](branchwork_core::message::Origin). Turn groups stay whole, and a call
    /// without a result gets one. A message that the target knows does not come again: merging twice is
    /// merging once. The target's own messages stay as they are, and one [`undo`](Branch::undo) takes all
    /// of it back.
    ///
    /// Only messages come over, unless the [policy](Merge::policy) says otherwise; what `from` has
    /// otherwise is in [`Merged::conflicts`]. Messages that it took out are not taken out here, and what
    /// it folded comes as it was said.
    ///
    /// # Errors
    ///
    /// When it is awaited: [`Error::MergeWithItself`](crate::Error::MergeWithItself),
    /// [`Error::OtherSession`](crate::Error::OtherSession),
    /// [`Error::TooMuchToMerge`](crate::Error::TooMuchToMerge); else as for [`Branch::append`]. A turn that
    /// goes on on the target ends first; one that waits for approvals is
    /// [`Error::Parked`](crate::Error::Parked).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::message::{Body, Draft}};
    ///
    /// let session = Engine::in_memory().session("trip").create().await?;
    /// let main = session.default_branch();
    /// main.append(Draft::new(Body::instruction("Rome?"))).await?;
    /// let rainy = main.fork("rainy").await?;
    /// rainy.append(Draft::new(Body::instruction("And if it rains?"))).await?;
    /// let merged = session.merge(&rainy).into(&main).await?;
    /// assert_eq!((merged.added.len(), main.view().await?.len()), (1, 2));
    /// assert!(session.merge(&rainy).into(&main).await?.added.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn merge(&self, from: &Branch) -> MergeFrom {
        MergeFrom { session: self.clone(), from: from.clone() }
    }
}

impl MergeFrom {
    /// Merges it into `into`.
    pub fn into(self, into: &Branch) -> Merge {
        let Self { session, from } = self;
        let (mode, policy) = (Mode::Append, MergePolicy::Ours);
        Merge { session, from, into: into.clone(), mode, policy, deletes_source: false }
    }
}

impl Merge {
    /// Lets what is new on both since they were the same stand in the order of time: each instruction with
    /// what answers it, and each side in its own order. The target's own messages from the first one that
    /// moves on come again, as copies behind the head; a summary among them comes as it stands, and cannot
    /// be unfolded any more.
    pub fn interleave(mut self) -> Self {
        self.mode = Mode::Interleave;
        self
    }

    /// Lets `text` tell of what is new, as one instruction from `summary`. What it tells of counts as
    /// merged.
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.mode = Mode::Summary(text.into());
        self
    }

    /// Lets the model of the source, configured by `config` in addition, tell of what is new, on a fork
    /// that is deleted afterwards; another model for one.
    ///
    /// What it says counts when somebody approved of it: [`plan`](Self::plan) the merge, look at
    /// [`MergePlan::summary`], and [apply](MergePlan::apply) it.
    pub fn summary_by(mut self, config: ConfigPatch) -> Self {
        self.mode = Mode::SummaryBy(Box::new(config));
        self
    }

    /// Moves the target to where the source is, with all that it has, when the source went on from where
    /// the target is. Nothing is copied.
    pub fn fast_forward(mut self) -> Self {
        self.mode = Mode::FastForward;
        self
    }

    /// Says whose configuration, system message and edits of shared messages hold. A fast-forward takes
    /// all there is.
    pub const fn policy(mut self, policy: MergePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Deletes the source in the same commit. When it was the default branch, the target becomes it.
    pub const fn delete_source(mut self) -> Self {
        self.deletes_source = true;
        self
    }

    /// Says what it would do, and changes nothing.
    ///
    /// # Errors
    ///
    /// As for the merge; as for a [chat](crate::Chat) when a model makes a summary.
    pub async fn plan(self) -> Result<MergePlan> {
        MergePlan::of(self).await
    }
}

impl IntoFuture for Merge {
    type Output = Result<Merged>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(run::run(self, None))
    }
}
