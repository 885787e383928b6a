//! What a merge would do.

use branchwork_core::{
    id::{MessageId, OpId},
    merge::{MergeConflict, Plan},
    message::Message,
};

use super::{
    Merge, Merged,
    builder::Mode,
    run::{self, Heads, Way},
    summary,
};
use crate::error::{Error, Result};

/// What a merge would do, at the places where its branches are. Look at it, and [`apply`](Self::apply) it.
#[derive(Debug, Clone)]
#[must_use = "nothing is merged until it is applied"]
pub struct MergePlan {
    merge: Merge,
    heads: Heads,
    ancestor: Option<OpId>,
    way: Way,
}

impl MergePlan {
    pub(super) async fn of(mut merge: Merge) -> Result<Self> {
        let both = run::read(&merge).await?;
        if let Mode::SummaryBy(config) = &merge.mode {
            let way = run::way(&merge, &both).await?;
            let text = match &way {
                Way::Step(plan) if !plan.brought().is_empty() => {
                    summary::ask(&merge.from, &both.theirs.view, plan.brought(), config).await?
                }
                _ => String::new(),
            };
            merge.mode = Mode::Summary(text);
        }
        let way = run::way(&merge, &both).await?;
        Ok(Self { heads: both.heads(), ancestor: both.ancestor(), way, merge })
    }

    /// The newest op that both branches have.
    pub const fn ancestor(&self) -> Option<OpId> {
        self.ancestor
    }

    /// Where the target is.
    pub const fn head(&self) -> Option<OpId> {
        self.heads.ours
    }

    /// The messages that would come to the target, in order, as they will read: without their own
    /// identifiers and times.
    pub fn messages(&self) -> Vec<Message> {
        match &self.way {
            Way::Step(plan) => {
                plan.drafts().iter().map(branchwork_core::message::Draft::preview).collect()
            }
            Way::Move { messages, .. } => {
                messages.iter().map(|message| (**message).clone()).collect()
            }
        }
    }

    /// The messages of the source that would come over or be told of, as they were first said, in order.
    pub fn brought(&self) -> Vec<MessageId> {
        match &self.way {
            Way::Step(plan) => plan.brought().to_vec(),
            Way::Move { messages, .. } => messages.iter().map(|message| message.id).collect(),
        }
    }

    /// The messages of the source that the target knows already, as they were first said.
    pub fn skipped(&self) -> &[MessageId] {
        self.step().map(Plan::skipped).unwrap_or_default()
    }

    /// What the branches do not agree on, and whose would be taken.
    pub fn conflicts(&self) -> &[MergeConflict] {
        self.step().map(Plan::conflicts).unwrap_or_default()
    }

    /// Whether nothing would change on the target.
    pub fn is_nothing(&self) -> bool {
        match &self.way {
            Way::Step(plan) => plan.is_nothing(),
            Way::Move { to, .. } => *to == self.heads.ours,
        }
    }

    /// The summary that would be told, when it is a merge by summary with something to tell of.
    pub fn summary(&self) -> Option<&str> {
        match &self.merge.mode {
            Mode::Summary(text) if !self.is_nothing() => Some(text),
            _ => None,
        }
    }

    /// Tells `text` instead.
    ///
    /// # Errors
    ///
    /// [`Error::BadOption`] when it is no merge by summary.
    pub fn with_summary(mut self, text: impl Into<String>) -> Result<Self> {
        let Mode::Summary(summary) = &mut self.merge.mode else {
            let problem = "the merge tells of nothing by a summary";
            return Err(Error::BadOption { option: "with_summary", problem });
        };
        *summary = text.into();
        Ok(self)
    }

    /// Does what the plan says.
    ///
    /// # Errors
    ///
    /// [`Error::MovedSince`] when one of the branches is elsewhere by now: nothing is done then. Else as
    /// for [`Session::merge`](crate::Session::merge).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the target as it was, or merged.
    pub async fn apply(self) -> Result<Merged> {
        Box::pin(run::run(self.merge, Some(self.heads))).await
    }

    const fn step(&self) -> Option<&Plan> {
        match &self.way {
            Way::Step(plan) => Some(plan),
            Way::Move { .. } => None,
        }
    }
}
