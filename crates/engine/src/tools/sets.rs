//! Which branch has which tools.

use std::collections::BTreeMap;

use branchwork_core::id::{BranchId, SessionId};

use super::Tools;

/// The tools of every branch of an engine. A branch has those of its session until it is given its
/// own, or was forked from one that had.
#[derive(Debug, Default)]
pub(crate) struct ToolSets {
    sessions: BTreeMap<SessionId, Tools>,
    branches: BTreeMap<BranchId, Tools>,
}

impl ToolSets {
    /// The tools of a branch, as their sources have them now.
    pub(crate) fn of_branch(&mut self, session: SessionId, branch: BranchId) -> Tools {
        match self.branches.get_mut(&branch) {
            Some(tools) => followed(tools),
            None => self.of_session(session),
        }
    }

    /// The tools that branches of the session begin with, as their sources have them now.
    pub(crate) fn of_session(&mut self, session: SessionId) -> Tools {
        self.sessions.get_mut(&session).map(followed).unwrap_or_default()
    }

    /// The tools of a branch, to be changed: from now on they are its own.
    pub(crate) fn own(&mut self, session: SessionId, branch: BranchId) -> &mut Tools {
        let inherited = self.of_session(session);
        self.branches.entry(branch).or_insert(inherited)
    }

    /// The tools that branches of the session begin with, to be changed.
    pub(crate) fn shared(&mut self, session: SessionId) -> &mut Tools {
        self.sessions.entry(session).or_default()
    }

    /// Lets `fork` begin with the tools of its parent, unless it has its own.
    pub(crate) fn fork(&mut self, parent: BranchId, fork: BranchId) {
        if let Some(tools) = self.branches.get(&parent).cloned() {
            self.branches.entry(fork).or_insert(tools);
        }
    }

    /// Gives `to` the tools of these names that `from` has, where it has none of the name.
    pub(crate) fn lend(
        &mut self,
        session: SessionId,
        (from, to): (BranchId, BranchId),
        names: &[String],
    ) {
        let (lent, there) = (self.of_branch(session, from), self.of_branch(session, to));
        let missing = names.iter().filter(|name| !there.contains(name) && lent.contains(name));
        for name in missing {
            self.own(session, to).adopt(name, &lent);
        }
    }

    /// Lets go of the tools of a session and of its branches.
    pub(crate) fn forget_session(
        &mut self,
        session: SessionId,
        branches: impl Iterator<Item = BranchId>,
    ) {
        self.sessions.remove(&session);
        branches.for_each(|branch| self.forget(branch));
    }

    /// Lets go of the tools of a branch that is gone.
    pub(crate) fn forget(&mut self, branch: BranchId) {
        self.branches.remove(&branch);
    }
}

fn followed(tools: &mut Tools) -> Tools {
    tools.follow_sources();
    tools.clone()
}
