//! How far a turn may go.

use std::time::Duration;

use crate::{
    limits::TURN_ROUNDS_DEFAULT,
    provider::{PICO_PER_MICRO, Tariff, Usage, shown_micro_usd},
};

/// How far a turn may go: how often it may ask the model, how many tools it may call, how many tokens
/// it may use, what it may cost, how long it may take.
///
/// ```
/// use std::time::Duration;
///
/// use branchwork_core::turn::TurnLimits;
///
/// let limits = TurnLimits::new().with_rounds(4).with_time(Duration::from_mins(2));
/// # let _ = limits;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnLimits {
    /// How often the model may be asked. At least 1.
    pub rounds: u32,
    /// How many calls of tools may run.
    pub calls: Option<u32>,
    /// How many tokens may be read and written, as the provider counts them.
    pub tokens: Option<u64>,
    /// How many tokens one request may have.
    pub context: Option<u64>,
    /// What it may cost, in millionths of a US dollar.
    pub cost: Option<u64>,
    /// How long it may take, from when the instruction is durable.
    pub time: Option<Duration>,
    /// Whether the model may call nothing in its last round, so that it answers.
    pub final_answer: bool,
}

/// The limit that ended a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// The model was asked as often as it may be.
    #[error("the model was asked {0} times, as often as the turn may ask it")]
    Rounds(u32),
    /// The answer calls more tools than may run.
    #[error("the turn may run {0} calls of tools")]
    Calls(u32),
    /// As many tokens were used as may be.
    #[error("the turn may use {0} tokens")]
    Tokens(u64),
    /// Tokens are limited, and the provider does not count them.
    #[error("the turn may use {0} tokens, and the provider does not say how many it used")]
    TokensUnknown(u64),
    /// The next request has more tokens than one may have.
    #[error("the request has {tokens} tokens, {max} are allowed")]
    Context {
        /// How many it has.
        tokens: u64,
        /// How many it may have.
        max: u64,
    },
    /// It cost as much as it may, in millionths of a US dollar.
    #[error("the turn may cost ${}", shown_micro_usd(*.0))]
    Cost(u64),
    /// The cost is limited, and not known: the provider does not count tokens, or nobody said what they
    /// cost.
    #[error("the turn may cost ${}, and what it cost is not known", shown_micro_usd(*.0))]
    CostUnknown(u64),
    /// A budget does not allow the next call of the model.
    #[error("a budget does not allow the next call of the model")]
    Budget,
    /// The time is over.
    #[error("the turn may take {0:?}")]
    Time(Duration),
}

/// What a turn has used of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spent {
    pub(super) rounds: u32,
    calls: u32,
    /// Of the answers that were counted.
    pub(super) usage: Option<Usage>,
    /// An answer came without a count.
    is_uncounted: bool,
    /// Trillionths of a US dollar.
    pico_usd: u64,
    /// An answer came without what tells its cost.
    is_unpriced: bool,
}

impl Default for TurnLimits {
    fn default() -> Self {
        Self {
            rounds: TURN_ROUNDS_DEFAULT,
            calls: None,
            tokens: None,
            context: None,
            cost: None,
            time: None,
            final_answer: false,
        }
    }
}

impl TurnLimits {
    /// Up to [`TURN_ROUNDS_DEFAULT`] rounds, and nothing else is limited.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the model be asked at most so often; 1 is a turn whose results it is not shown.
    #[must_use]
    pub const fn with_rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// Lets at most so many calls of tools run. An answer that asks for more ends the turn, and none of
    /// its calls runs.
    #[must_use]
    pub const fn with_calls(mut self, calls: u32) -> Self {
        self.calls = Some(calls);
        self
    }

    /// Does not ask the model again once so many tokens were read and written.
    #[must_use]
    pub const fn with_tokens(mut self, tokens: u64) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Sends no request that has more tokens than that: the turn ends before it, with an error that says
    /// by how much.
    #[must_use]
    pub const fn with_context(mut self, tokens: u64) -> Self {
        self.context = Some(tokens);
        self
    }

    /// Does not ask the model again once the turn cost so many millionths of a US dollar, at the prices
    /// that are known of the model when it begins. The call log has what each call cost.
    #[must_use]
    pub const fn with_cost(mut self, micro_usd: u64) -> Self {
        self.cost = Some(micro_usd);
        self
    }

    /// Stops the turn after that time. What had come is kept.
    #[must_use]
    pub const fn with_time(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// Lets the model call nothing in the last of several rounds, so that the turn ends with an answer
    /// and not with calls.
    #[must_use]
    pub const fn with_final_answer(mut self) -> Self {
        self.final_answer = true;
        self
    }

    /// Which limit forbids to run `more` calls; then nothing is counted.
    pub(super) fn count_calls(&self, spent: &mut Spent, more: usize) -> Option<Limit> {
        let calls = spent.calls.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        if let Some(max) = self.calls.filter(|max| calls > *max) {
            return Some(Limit::Calls(max));
        }
        spent.calls = calls;
        None
    }

    /// Which limit forbids to ask the model again.
    pub(super) fn forbids_another_round(&self, spent: &Spent) -> Option<Limit> {
        if spent.rounds >= self.rounds {
            return Some(Limit::Rounds(self.rounds));
        }
        self.forbids_more_cost(spent).or_else(|| {
            let max = self.tokens?;
            if spent.tokens() >= max {
                Some(Limit::Tokens(max))
            } else {
                spent.is_uncounted.then_some(Limit::TokensUnknown(max))
            }
        })
    }

    fn forbids_more_cost(&self, spent: &Spent) -> Option<Limit> {
        let max = self.cost?;
        if spent.pico_usd >= max.saturating_mul(PICO_PER_MICRO) {
            Some(Limit::Cost(max))
        } else {
            spent.is_unpriced.then_some(Limit::CostUnknown(max))
        }
    }
}

impl Spent {
    /// Counts an answer of the model, which costs what `tariff` says.
    pub(super) fn count_answer(&mut self, usage: Option<Usage>, tariff: Option<&Tariff>) {
        match usage.and_then(|usage| tariff?.pico_usd(&usage)) {
            Some(pico_usd) => self.pico_usd = self.pico_usd.saturating_add(pico_usd),
            None => self.is_unpriced = true,
        }
        self.is_uncounted |=
            usage.is_none_or(|usage| usage.input_tokens.is_none() && usage.output_tokens.is_none());
        self.usage = match (self.usage, usage) {
            (Some(before), Some(more)) => Some(before.plus(more)),
            (before, more) => before.or(more),
        };
    }

    fn tokens(&self) -> u64 {
        let usage = self.usage.unwrap_or_default();
        let tokens = [usage.input_tokens, usage.output_tokens].into_iter().flatten();
        tokens.fold(0, u64::saturating_add)
    }
}
