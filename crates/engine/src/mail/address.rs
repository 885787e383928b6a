//! Which branches are meant.

use branchwork_core::{id::BranchId, store::BranchRecord};

use crate::{
    branch::Branch,
    error::{Error, Result},
    reference,
};

/// One branch of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// By its identifier.
    Id(BranchId),
    /// As people refer to it: by its name, its identifier, or a prefix of that.
    Name(String),
}

/// Some branches of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Addresses {
    /// All.
    All,
    /// All but the one that speaks.
    Others,
    /// These. One that is named twice is meant once.
    These(Vec<Address>),
}

impl Addresses {
    /// The branches that are meant, when `own` speaks.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Ambiguous`].
    pub(super) fn resolve(
        &self,
        branches: &[BranchRecord],
        own: Option<BranchId>,
    ) -> Result<Vec<BranchId>> {
        let ids = branches.iter().map(|branch| branch.id);
        let addresses = match self {
            Self::All => return Ok(ids.collect()),
            Self::Others => return Ok(ids.filter(|id| Some(*id) != own).collect()),
            Self::These(addresses) => addresses,
        };
        let mut found = Vec::with_capacity(addresses.len());
        for address in addresses {
            let id = address.resolve(branches)?;
            if !found.contains(&id) {
                found.push(id);
            }
        }
        Ok(found)
    }
}

impl Address {
    fn resolve(&self, branches: &[BranchRecord]) -> Result<BranchId> {
        match self {
            Self::Id(id) if branches.iter().any(|branch| branch.id == *id) => Ok(*id),
            Self::Id(id) => Err(Error::not_found("branch", id)),
            Self::Name(name) => Ok(reference::find_branch(branches, name)?.id),
        }
    }
}

impl From<BranchId> for Address {
    fn from(id: BranchId) -> Self {
        Self::Id(id)
    }
}

impl From<&Branch> for Address {
    fn from(branch: &Branch) -> Self {
        Self::Id(branch.id())
    }
}

impl From<&str> for Address {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for Address {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl<T: Into<Address>> From<T> for Addresses {
    /// One branch.
    fn from(address: T) -> Self {
        Self::These(vec![address.into()])
    }
}

impl<T: Into<Address>, const N: usize> From<[T; N]> for Addresses {
    /// These branches.
    fn from(addresses: [T; N]) -> Self {
        Self::These(addresses.map(Into::into).into())
    }
}

impl<T: Into<Address>> From<Vec<T>> for Addresses {
    /// These branches.
    fn from(addresses: Vec<T>) -> Self {
        Self::These(addresses.into_iter().map(Into::into).collect())
    }
}
