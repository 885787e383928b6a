//! What people call the branches of a session.

use std::collections::BTreeMap;

use branchwork_core::{id::BranchId, store::BranchRecord};

use super::Session;
use crate::error::Result;

/// What people call the branches of a session. A snapshot.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
/// use branchwork::Engine;
///
/// let session = Engine::in_memory().session("trip").create().await?;
/// let scout = session.default_branch().fork("scout").await?;
/// let names = session.branch_names().await?;
/// assert_eq!(names.name(scout.id()), "scout");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct BranchNames(BTreeMap<BranchId, String>);

impl BranchNames {
    /// The name of a branch; `None` of one that is gone.
    pub fn get(&self, id: BranchId) -> Option<&str> {
        self.0.get(&id).map(String::as_str)
    }

    /// The name of a branch; the identifier of one that is gone.
    pub fn name(&self, id: BranchId) -> String {
        self.get(id).map_or_else(|| id.to_string(), str::to_owned)
    }
}

impl FromIterator<BranchRecord> for BranchNames {
    fn from_iter<I: IntoIterator<Item = BranchRecord>>(branches: I) -> Self {
        Self(branches.into_iter().map(|branch| (branch.id, branch.name)).collect())
    }
}

impl Session {
    /// What its branches are called now.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn branch_names(&self) -> Result<BranchNames> {
        Ok(self.branches().await?.into_iter().collect())
    }
}
