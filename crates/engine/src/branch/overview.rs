//! All that can be said of a branch.

use branchwork_core::store::BranchRecord;

use super::Branch;
use crate::{
    base::{BaseBranch as _, Description},
    error::Result,
    usage::Usage,
};

/// All that can be said of a branch, for people and programs that look on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Overview {
    /// What the store knows of it: its name, where it was forked from, its head.
    pub record: BranchRecord,
    /// Whether it is the default branch of its session.
    pub is_default: bool,
    /// Its messages, tools and configuration.
    pub description: Description,
    /// Its calls of models: how many succeeded, failed, were tried again, their tokens and cost.
    pub usage: Usage,
}

impl Branch {
    /// All that can be said of it, with its first `preview` messages.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn overview(&self, preview: usize) -> Result<Overview> {
        let session = self.engine().store().session(self.session_id()).await?;
        Ok(Overview {
            record: self.record().await?,
            is_default: session.default_branch == self.id(),
            description: self.describe(preview).await?,
            usage: self.usage().await?,
        })
    }
}
