//! Holding a tournament: the candidates are asked, then matches are decided, round by round.

use std::sync::Arc;

use branchwork_core::{id::OpId, message::Message};
use futures_util::{StreamExt as _, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Span;

use super::{
    BestOf, Candidate, Match, Side, Tournament, Verdict,
    judge::{Judge, Question},
};
use crate::{
    branch::Branch,
    error::{Error, Result},
    flows::{
        Flow,
        asking::{fork_for, question},
    },
    reference::ModelReference,
};

/// What a tournament is about: kept at its beginning, so that no other one is taken for it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Subject {
    instruction: String,
    context: Option<Value>,
    models: Vec<String>,
}

/// A tournament that has begun.
struct Play<'a> {
    tournament: &'a Tournament,
    judge: &'a Judge,
    /// Its steps are on the branch of the judge.
    flow: Flow,
    /// Where its branches begin.
    from: Option<OpId>,
}

impl Tournament {
    pub(super) async fn hold(self) -> Result<BestOf> {
        let judge = self.check()?;
        for model in &self.models {
            model.check()?;
        }
        let play = Play::begin(&self, judge).await?;
        let mut candidates = play.candidates().await;
        let standing: Vec<_> = (0..candidates.len())
            .filter(|index| candidates.get(*index).is_some_and(|one| one.outcome.is_ok()))
            .collect();
        let (matches, winner) = play.rounds(&candidates, standing).await?;
        let Some(winner) = winner else {
            let count = candidates.len();
            let failed = candidates.drain(..).find_map(|candidate| candidate.outcome.err());
            let source = Box::new(failed.unwrap_or(Error::EmptyAnswer));
            return Err(Error::NoneAnswered { candidates: count, source });
        };
        let (branch, from) = (self.branch.clone(), play.from);
        Ok(BestOf { branch, from, candidates, matches, winner })
    }
}

impl<'a> Play<'a> {
    async fn begin(tournament: &'a Tournament, judge: &'a Judge) -> Result<Self> {
        let Tournament { branch, name, .. } = tournament;
        let place = branch.fork(format!("{name}-judge")).once().await?;
        // All branches begin where this one did, whenever they are made.
        let born = branch.engine().store().reflog(place.id(), 2, 1).await?;
        let from = born.first().and_then(|birth| birth.to);
        let flow = place.flow_within(name, Span::current());
        let subject = || Subject {
            instruction: tournament.instruction.clone(),
            context: tournament.context.clone(),
            models: tournament.models.iter().map(ToString::to_string).collect(),
        };
        let kept = flow.step("subject", async || Ok::<_, Error>(subject())).await?;
        if kept != subject() {
            let problem = "one of its name asked something else, or other models";
            return Err(Error::BadTournament { problem });
        }
        Ok(Self { tournament, judge, flow, from })
    }

    /// Asks all candidates, so many at a time.
    async fn candidates(&self) -> Vec<Candidate> {
        let models: Vec<Option<&ModelReference>> = match self.tournament.models.as_slice() {
            [] => vec![None],
            models => models.iter().map(Some).collect(),
        };
        // More samples are behind those that there are.
        let samples = (0..self.tournament.samples)
            .flat_map(|sample| models.iter().map(move |model| (sample, *model)));
        let asked: Vec<BoxFuture<'_, Candidate>> = samples
            .zip(1..)
            .map(|((sample, model), number)| self.candidate(number, sample, model))
            .map(|asked| Box::pin(asked) as _)
            .collect();
        stream::iter(asked).buffered(self.tournament.concurrency).collect().await
    }

    async fn candidate(
        &self,
        number: usize,
        sample: usize,
        model: Option<&ModelReference>,
    ) -> Candidate {
        let (branch, outcome) = match self.fork(number, model).await {
            Err(error) => (None, Err(error)),
            Ok(fork) => {
                let outcome = self.ask(number, &fork).await;
                (Some(fork), outcome)
            }
        };
        Candidate { number, model: model.map(ToString::to_string), sample, branch, outcome }
    }

    async fn fork(&self, number: usize, model: Option<&ModelReference>) -> Result<Branch> {
        let Tournament { branch, name, .. } = self.tournament;
        let fork = branch.fork(format!("{name}-{number}")).at_head(self.from);
        fork_for(fork, model.cloned()).once().await
    }

    async fn ask(&self, number: usize, fork: &Branch) -> Result<Arc<Message>> {
        let Tournament { instruction, context, each, .. } = self.tournament;
        let chat = question(fork, instruction, context.as_ref());
        self.flow.chat(&format!("candidate-{number}"), each(chat)).await
    }

    /// Lets those that are `standing` meet until one is left.
    async fn rounds(
        &self,
        candidates: &[Candidate],
        mut standing: Vec<usize>,
    ) -> Result<(Vec<Match>, Option<usize>)> {
        let mut matches = Vec::new();
        while standing.len() > 1 {
            let pairs = standing.chunks_exact(2);
            let odd = pairs.remainder().to_vec();
            let met: Vec<BoxFuture<'_, Result<(usize, Match)>>> = pairs
                .filter_map(|pair| match pair {
                    [first, second] => Some((*first, *second)),
                    _ => None,
                })
                .map(|pair| Box::pin(self.meet(candidates, pair)) as _)
                .collect();
            let met = stream::iter(met).buffered(self.tournament.concurrency);
            // What was decided is kept, also when another match failed.
            let met: Vec<Result<(usize, Match)>> = met.collect().await;
            standing.clear();
            for met in met {
                let (winner, decided) = met?;
                standing.push(winner);
                matches.push(decided);
            }
            standing.extend(odd);
        }
        Ok((matches, standing.first().copied()))
    }

    /// Decides the match of two candidates, unless it is decided; answers who won.
    async fn meet(
        &self,
        candidates: &[Candidate],
        (one, other): (usize, usize),
    ) -> Result<(usize, Match)> {
        let (Some(first), Some(second)) = (candidates.get(one), candidates.get(other)) else {
            unreachable!("BUG: those that stand are candidates")
        };
        let pair = format!("{}-{}", first.number, second.number);
        let Tournament { name, instruction, .. } = self.tournament;
        let decide = || async {
            match self.judge {
                Judge::Function(judge) => Ok::<_, Error>(judge(first, second)),
                Judge::Model { criteria } => {
                    let place = self.flow.branch();
                    let place = place.fork(format!("{name}-judge-{pair}")).at_head(self.from);
                    let question = Question { criteria, instruction, first, second };
                    question.decide(&self.flow, &pair, &place.once().await?).await
                }
            }
        };
        let verdict: Verdict = self.flow.step(&format!("match-{pair}"), decide).await?;
        let winner = if verdict.winner == Side::First { one } else { other };
        Ok((winner, Match { first: first.number, second: second.number, verdict }))
    }
}
