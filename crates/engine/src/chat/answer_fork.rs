//! Answers that go to forks of their own: the others to the same request, and those to a branch that moved.

use branchwork_core::{
    graph::{Extent, Op, StepWriter, View},
    id::{BranchId, OpId},
    message::Draft,
    store::{Cause, Change, Commit, HeadMove},
};

use super::run::Run;
use crate::{
    branch::{Beside, Branch},
    error::{Error, Result},
};

/// A fork that holds an answer, and has no name yet.
#[derive(Debug, Clone)]
pub(super) struct AnswerFork {
    branch: BranchId,
    from: Option<OpId>,
    ops: Vec<Op>,
}

impl AnswerFork {
    /// `drafts`, on a fork of `branch` behind `view`.
    pub(super) fn new(
        branch: &Branch,
        view: &View,
        (drafts, extent): (Vec<Draft>, Extent),
    ) -> Result<Self> {
        let engine = branch.engine();
        let from = view.head();
        let mut step = StepWriter::after(view.clone(), None, engine.ids(), engine.now());
        step.messages(drafts)?;
        let (ops, _) = step.finish(extent);
        Ok(Self { branch: BranchId::from_bits(engine.ids().next_bits()), from, ops })
    }

    /// The fork.
    pub(super) const fn branch(&self) -> BranchId {
        self.branch
    }
}

/// What a commit does to make `forks` of `parent`, each with its name.
pub(super) fn beside(parent: &Branch, forks: &[AnswerFork], names: &[String]) -> Beside {
    let mut beside = Beside::default();
    for (fork, name) in forks.iter().zip(names) {
        let (branch, forked_from, from) = (fork.branch, Some(parent.id()), fork.from);
        let name = name.clone();
        beside.changes.push(Change::CreateBranch { branch, name, forked_from, head: from });
        let to = fork.ops.last().map(|op| op.id);
        beside.heads.push(HeadMove { branch, from, to, cause: Cause::Append });
        beside.ops.extend(fork.ops.iter().cloned());
    }
    beside
}

impl Run {
    /// Another process moved the branch: the answer goes to a branch of its own, forked where this turn wrote
    /// last, and so do the others to the same request.
    pub(super) async fn keep_elsewhere(&mut self, drafts: Vec<Draft>) -> Error {
        match self.try_keep_elsewhere(drafts).await {
            Ok(kept_on) => Error::MovedMeanwhile { kept_on },
            Err(error) => error,
        }
    }

    /// Answers the name of the fork.
    async fn try_keep_elsewhere(&mut self, drafts: Vec<Draft>) -> Result<String> {
        let (branch, engine) = (&self.branch, self.branch.engine());
        let ours = AnswerFork::new(branch, &self.state.view, (drafts, self.extent))?;
        let answer = ours.ops.first().map(|answer| answer.id);
        let forks: Vec<_> = [&ours].into_iter().chain(self.siblings.to_write()).cloned().collect();
        let (session, at, call) = (branch.session_id(), engine.now(), &self.call);
        let make = |names: &[String]| {
            let mut commit = beside(branch, &forks, names).within(Commit::new(session, at));
            commit.calls.extend(answer.zip(call.clone()));
            Ok(commit)
        };
        let names = branch.commit_with_free_names(forks.len(), make).await?;
        engine.tool_sets().fork(branch.id(), ours.branch);
        self.siblings.written(&self.branch);
        names.into_iter().next().ok_or(Error::EmptyAnswer)
    }
}
