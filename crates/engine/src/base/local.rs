//! The local branch as a [`BaseBranch`].

use async_trait::async_trait;
use branchwork_core::{config::ConfigPatch, graph::View, id::OpId, message::Draft};

use super::{BaseBranch, Revision};
use crate::{
    branch::{Appended, Branch},
    error::Result,
    tools::Tools,
};

#[async_trait]
impl BaseBranch for Branch {
    async fn view(&self) -> Result<View> {
        Self::view(self).await
    }

    async fn append_all(&self, drafts: Vec<Draft>) -> Result<Appended> {
        Self::append_all(self, drafts).await
    }

    async fn revise(&self, revisions: Vec<Revision>) -> Result<OpId> {
        Self::revise(self, revisions).await
    }

    async fn configure(&self, patch: ConfigPatch) -> Result<OpId> {
        Self::configure(self, patch).await
    }

    async fn rollback(&self, count: usize) -> Result<Option<OpId>> {
        Self::rollback(self, count).await
    }

    fn tools(&self) -> Tools {
        Self::tools(self)
    }
}
