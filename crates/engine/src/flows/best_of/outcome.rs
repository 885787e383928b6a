//! What came of a tournament.

use std::sync::Arc;

use branchwork_core::{id::OpId, message::Message};

use super::Verdict;
use crate::{
    branch::Branch,
    error::{Error, Result},
};

/// One answer that competes, or why there is none.
#[derive(Debug)]
#[non_exhaustive]
pub struct Candidate {
    /// Its number, from 1; its branch has it in its name.
    pub number: usize,
    /// The model, when models were said.
    pub model: Option<String>,
    /// Which of the samples of its model, from 0.
    pub sample: usize,
    /// The fork it is on; `None` when that could not be made.
    pub branch: Option<Branch>,
    /// The answer. One that failed does not compete.
    pub outcome: Result<Arc<Message>>,
}

impl Candidate {
    /// The plain text of its answer; empty when it has none.
    pub fn text(&self) -> String {
        self.outcome.as_ref().map(|answer| answer.text()).unwrap_or_default()
    }
}

/// Two candidates that met.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Match {
    /// The number of the first one.
    pub first: usize,
    /// The number of the second one.
    pub second: usize,
    /// Who won, and why.
    pub verdict: Verdict,
}

/// What came of a tournament.
#[derive(Debug)]
#[non_exhaustive]
pub struct BestOf {
    pub(super) branch: Branch,
    /// Where the candidates begin.
    pub(super) from: Option<OpId>,
    /// All candidates, by their number.
    pub candidates: Vec<Candidate>,
    /// The matches, round by round, each in its order.
    pub matches: Vec<Match>,
    pub(super) winner: usize,
}

impl BestOf {
    /// The candidate that won. It has an answer.
    pub fn winner(&self) -> &Candidate {
        match self.candidates.get(self.winner) {
            Some(winner) => winner,
            None => unreachable!("BUG: the winner is a candidate"),
        }
    }

    /// Lets the branch go on from the answer that won, in one commit. One [`undo`](Branch::undo) takes that
    /// back, and all candidates stay as branches. A winner that was asked of another model brings that along.
    ///
    /// The branch stays where it is when it has been there already, as when this is called again after a crash.
    ///
    /// # Errors
    ///
    /// [`Error::MovedSince`] when something else was done on the branch since the tournament began;
    /// [`Error::Conflict`] when another process moved it just now. The branch is left where it is.
    /// [`Error::Change`] when the answer is not on its branch any more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the head where it was or where it goes.
    pub async fn promote(&self) -> Result<Option<OpId>> {
        let Candidate { branch: Some(branch), outcome: Ok(answer), .. } = self.winner() else {
            return Err(Error::EmptyAnswer);
        };
        let to = branch.view().await?.head_at(answer.id)?;
        self.branch.promote(self.from, to).await
    }
}
