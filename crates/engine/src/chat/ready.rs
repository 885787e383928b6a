//! A turn that may begin, and its first words.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use branchwork_core::{
    clock::Timestamp,
    config::Config,
    graph::{Extent, StepWriter},
    id::MessageId,
    message::{Body, Draft, Role},
    provider::{Provider, Tariff},
    tokens::{Gauge, TokenCount},
    turn::{CutOff, Effect, Input, Turn, TurnLimits},
};

use super::{
    Ask, Chat, Options, mail_read::MailRead, rest::Rest, run::Run, shown::last_instruction,
    siblings::Siblings,
};
use crate::{
    branch::{Branch, State, Turns},
    budget::BudgetScope,
    error::{Error, Result},
    telemetry::{ChatSpan, TurnSpan},
    tools::{Judge, Offer},
};

/// A turn that may begin: everything that can be wrong without asking has been checked.
#[derive(Debug)]
pub(super) struct Ready {
    branch: Branch,
    turns: Turns,
    state: State,
    provider: Arc<dyn Provider>,
    config: Config,
    options: Options,
    offer: Offer,
    gauge: Option<Gauge>,
    /// What answers cost, when that is limited.
    tariff: Option<Tariff>,
    budgets: Vec<BudgetScope>,
    ask: Ask,
    wished: Timestamp,
    span: TurnSpan,
}

impl Chat {
    /// Waits for the branch and checks everything. Writes nothing but the end of a turn that was
    /// cut off earlier, so that it can be dropped.
    pub(super) async fn ready(self) -> Result<Ready> {
        let span = TurnSpan::begin(&self.branch, self.ask.kind());
        let waiting = span.waiting();
        let ready = self.checked(span.clone()).await;
        waiting.end();
        ready.inspect_err(|error| span.failed(error))
    }

    async fn checked(self, span: TurnSpan) -> Result<Ready> {
        let Self { branch, ask, options } = self;
        let wished = branch.engine().now();
        if let Ask::Instruction(draft) = &ask {
            draft.check()?;
        }
        options.config.check()?;
        if let Some(option) = options.misplaced {
            let problem = match ask {
                _ if option == "with_choices" => "there is at least one answer",
                Ask::Resume => "a turn that is resumed is the one that was begun",
                _ => "an instruction that is asked again is the one that was said",
            };
            return Err(Error::BadOption { option, problem });
        }
        check_limits(&options.limits)?;
        if let Some(text) = &options.system {
            Draft::new(Body::System { text: text.clone() }).check()?;
        }
        let turns = branch.shared().turns().await;
        let mut state = branch.refresh().await?;
        let config = state.view.config().patched(&options.config);
        span.describe(&branch, &config).await;
        span.link(&state.view, state.tip, matches!(ask, Ask::Instruction(_)));
        if config.model.is_none() {
            return Err(Error::NoModel);
        }
        let provider = branch.engine().provider(config.provider.as_deref().unwrap_or_default())?;
        let tariff = tariff(&branch, &config, &options.limits)?;
        let budgets = branch.budgets().await?;
        let offer = branch.tools().offer(&options.tools, &config)?;
        offer.check(&options.tool_choice)?;
        let gauge = match options.limits.context {
            None if budgets.is_empty() => None,
            _ => Some(branch.gauge(&state.view, &config, (&offer.specs, &options)).await?),
        };
        if let (Ask::Instruction(_) | Ask::Again { .. }, Some(gauge)) = (&ask, &gauge) {
            let messages = options.preview(&state.view, &ask);
            let asked = (offer.specs.as_slice(), config.response_schema.as_ref());
            let count = gauge.count(&messages, asked);
            check_length(count, &options.limits)?;
            let size = (count.tokens, options.choices());
            check_budgets(&branch, &budgets, size, &config)?;
        }
        match ask {
            Ask::Instruction(_) => state = branch.close_unfinished(&turns, state).await?,
            Ask::Resume if !state.is_unfinished() => return Err(Error::NothingToResume),
            Ask::Resume if state.view.waiting_calls().next().is_some() => {
                return Err(Error::parked(&state.view));
            }
            Ask::Resume if state.is_parked() => offer.check_has_tools(&state.view)?,
            Ask::Resume | Ask::Again { .. } => {}
        }
        Ok(Ready {
            branch,
            turns,
            state,
            provider,
            config,
            options,
            offer,
            gauge,
            tariff,
            budgets,
            ask,
            wished,
            span,
        })
    }
}

impl Ready {
    /// What observers are told of the turn.
    pub(super) const fn span(&self) -> &TurnSpan {
        &self.span
    }

    /// Writes the instruction. Once begun it is to be driven to its end.
    pub(super) async fn begin(self) -> Result<Run> {
        let Self {
            branch,
            turns,
            state,
            provider,
            config,
            mut options,
            offer,
            gauge,
            tariff,
            budgets,
            mut ask,
            wished,
            span,
        } = self;
        let system = options.system.take();
        let (tools, limits) = (offer.tools.keys().cloned().collect(), options.limits);
        let judge = Judge { tools: offer.tools.clone(), policy: options.policy.clone() };
        if let Ask::Instruction(draft) = &mut ask {
            span.mark(branch.engine().telemetry(), draft);
        }
        let how = (ask, system, (tools, limits));
        let opening = Opening::write((&branch, &turns), state, &offer, how).await?;
        let opening = opening.judged_by(judge).priced_by(tariff);
        let Opening { turn, next, instruction, extent, state, answered, results } = opening;
        let (meter, call, heard) = (None, None, Vec::new());
        let steered = branch.steering().begin();
        Ok(Run {
            steered,
            branch,
            turns,
            turn,
            state,
            instruction,
            extent,
            provider,
            config,
            options,
            offer,
            answered,
            results,
            next,
            wished,
            meter,
            call,
            gauge,
            budgets,
            reservation: None,
            siblings: Siblings::default(),
            sent: Vec::new(),
            mail: MailRead::default(),
            heard,
            span,
            chat: ChatSpan::none(),
        })
    }
}

/// A turn that has begun, and what there is of it.
struct Opening {
    turn: Turn,
    next: Vec<Effect>,
    instruction: MessageId,
    extent: Extent,
    state: State,
    answered: Option<MessageId>,
    results: Vec<MessageId>,
}

impl Opening {
    /// Writes what is asked, and begins to do it.
    async fn write(
        (branch, turns): (&Branch, &Turns),
        state: State,
        offer: &Offer,
        (ask, system, (tools, limits)): (Ask, Option<String>, (BTreeSet<String>, TurnLimits)),
    ) -> Result<Self> {
        Ok(match ask {
            Ask::Instruction(draft) => {
                let (turn, mut effects) = Turn::begin(draft);
                let Some(Effect::WriteInstruction(draft)) = effects.pop() else {
                    unreachable!("BUG: a turn begins with its instruction")
                };
                let mut turn = turn.with_tools(tools).with_limits(limits);
                let (instruction, state) =
                    write_instruction(branch, turns, state, (draft, system)).await?;
                let next = turn.step(Input::Written);
                Self::of((turn, next), instruction, Extent::End, state)
            }
            Ask::Again { text } => {
                let (instruction, extent, state) =
                    go_back(branch, turns, state, (text, system)).await?;
                let turn = Turn::resume_from(CutOff::default(), tools, limits);
                Self::of(turn, instruction, extent, state)
            }
            Ask::Resume => {
                let was_parked = state.is_parked();
                let state = branch.unpark(turns, state).await?;
                let Rest { instruction, place, answered, results } =
                    Rest::of(&state.view, offer, was_parked)?;
                let turn = Turn::resume_from(place, tools, limits);
                let opening = Self::of(turn, instruction, Extent::End, state);
                Self { answered, results, ..opening }
            }
        })
    }

    fn of(
        (turn, next): (Turn, Vec<Effect>),
        instruction: MessageId,
        extent: Extent,
        state: State,
    ) -> Self {
        Self { turn, next, instruction, extent, state, answered: None, results: Vec::new() }
    }

    fn judged_by(self, judge: Judge) -> Self {
        Self { turn: self.turn.with_judge(Arc::new(judge)), ..self }
    }

    fn priced_by(self, tariff: Option<Tariff>) -> Self {
        Self { turn: self.turn.with_tariff(tariff), ..self }
    }
}

/// Refuses limits that a turn could not keep.
const fn check_limits(limits: &TurnLimits) -> Result<()> {
    let problem = match limits {
        TurnLimits { rounds: 0, .. } => "the model must be asked at least once",
        TurnLimits { context: Some(0), .. } => "no request has 0 tokens",
        TurnLimits { cost: Some(0), .. } => "no answer costs nothing",
        TurnLimits { tokens: Some(0), .. } => "no answer has 0 tokens",
        TurnLimits { time: Some(Duration::ZERO), .. } => "no answer takes no time",
        _ => return Ok(()),
    };
    Err(Error::BadLimits { problem })
}

/// What answers of the model cost now, when that is limited.
fn tariff(branch: &Branch, config: &Config, limits: &TurnLimits) -> Result<Option<Tariff>> {
    if limits.cost.is_none() {
        return Ok(None);
    }
    let tariff = branch.tariff_of(config);
    let problem = "the cost is limited, and what the model costs is not known";
    tariff.map(Some).ok_or(Error::BadLimits { problem })
}

/// Refuses a request that has more tokens than one may have.
fn check_length(count: TokenCount, limits: &TurnLimits) -> Result<()> {
    match limits.context {
        Some(max) if count.tokens > max => Err(Error::TooLong { count, max }),
        _ => Ok(()),
    }
}

/// Refuses a request that a budget does not allow, unless its turn is to wait for a larger one.
fn check_budgets(
    branch: &Branch,
    budgets: &[BudgetScope],
    size: (u64, u32),
    config: &Config,
) -> Result<()> {
    match branch.reserve(budgets, size, config) {
        Ok(_) | Err(Error::OverBudget { is_parked: true, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn write_instruction(
    branch: &Branch,
    turns: &Turns,
    state: State,
    (mut draft, system): (Draft, Option<String>),
) -> Result<(MessageId, State)> {
    if draft.sender.is_none() {
        draft.sender.clone_from(&state.view.config().sender);
    }
    let write = |step: &mut StepWriter<'_>| {
        if let Some(system) = system {
            step.set_system(system)?;
        }
        Ok(step.message(draft)?)
    };
    branch.write_step(turns, state, Extent::Beginning.into(), write).await
}

/// Takes what followed the last instruction out of the view, and lets it say `text` and the system
/// message `system` when they are given. Configuration and edits that came since stay; `undo` takes all
/// of it back with the answer.
async fn go_back(
    branch: &Branch,
    turns: &Turns,
    state: State,
    (text, system): (Option<String>, Option<String>),
) -> Result<(MessageId, Extent, State)> {
    let instruction = Arc::clone(last_instruction(&state.view).ok_or(Error::NothingToRetry)?);
    let firsts = state.view.groups().filter_map(|group| group.first().map(|one| Arc::clone(one)));
    let after = firsts.skip_while(|first| first.id != instruction.id).skip(1);
    let after: Vec<_> = after.filter(|message| message.role() != Role::System).collect();
    let (first_part, whole) = if state.is_unfinished() {
        (Extent::Middle, Extent::End)
    } else {
        (Extent::Beginning, Extent::Whole)
    };
    let body = text.and_then(|text| instruction.body.with_text(text));
    if after.is_empty() && body.is_none() && system.is_none() {
        return Ok((instruction.id, whole, state));
    }
    let write = |step: &mut StepWriter<'_>| {
        step.close_calls("the instruction is asked again")?;
        if let Some(body) = body {
            step.edit(instruction.id, body)?;
        }
        if let Some(system) = system {
            step.set_system(system)?;
        }
        Ok(after.iter().try_for_each(|message| step.remove(message.id))?)
    };
    let ((), state) = branch.write_step(turns, state, first_part.into(), write).await?;
    Ok((instruction.id, Extent::End, state))
}
