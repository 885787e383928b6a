//! The parts of a turn that touch the world: writing, asking, writing again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use branchwork_core::{
    call::ModelCall,
    clock::Timestamp,
    config::Config,
    graph::{CallResult, Extent, StepWriter, View},
    id::{BranchId, MessageId},
    limits,
    message::{Body, CallId, Draft, Message, Outcome, Role, Status, ToolCall},
    provider::{ModelRequest, Provider, ProviderError, ProviderEvent, RenderedRequest},
    store::{Cause, Change, Commit, Conflict, HeadMove},
    tool::{ToolChoice, ToolContext},
    turn::{CallState, CutOff, Effect, Ending, Input, Turn, TurnLimits},
};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};

use tokio::sync::Mutex;

use super::{Ask, Chat, Options, Reply, meter::Meter};
use crate::{
    branch::{Branch, Part, State, Steered, Stop, Turns},
    error::{Error, Result},
    tools::{self, Offer, Registered},
};

/// A turn that holds the right to change its branch.
#[derive(Debug)]
pub(super) struct Run {
    // Goes before the right to change the branch: the next turn is another one.
    steered: Steered,
    branch: Branch,
    turns: Turns,
    turn: Turn,
    /// The branch with the instruction, as the model is shown it.
    state: State,
    instruction: MessageId,
    /// Which part of a step the answer is.
    extent: Extent,
    provider: Arc<dyn Provider>,
    config: Config,
    options: Options,
    offer: Offer,
    /// The last answer that was written before its calls ran.
    answered: Option<MessageId>,
    /// The results that were written.
    results: Vec<MessageId>,
    /// What to do first.
    next: Vec<Effect>,
    wished: Timestamp,
    /// What is noted of the call, until its answer is written.
    meter: Option<Meter>,
    /// What is kept of it, from then on.
    call: Option<ModelCall>,
    /// What was said in the meantime, and nobody was told of.
    heard: Vec<MessageId>,
}

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
    ask: Ask,
    wished: Timestamp,
}

impl Chat {
    /// Waits for the branch and checks everything. Writes nothing but the end of a turn that was
    /// cut off earlier, so that it can be dropped.
    pub(super) async fn ready(self) -> Result<Ready> {
        let Self { branch, ask, options } = self;
        let wished = branch.engine().now();
        if let Ask::Instruction(draft) = &ask {
            draft.check()?;
        }
        options.config.check()?;
        if let Some(option) = options.misplaced {
            let problem = match ask {
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
        if config.model.is_none() {
            return Err(Error::NoModel);
        }
        let provider = branch.engine().provider(config.provider.as_deref().unwrap_or_default())?;
        let offer = branch.tools().offer(&options.tools, &config)?;
        offer.check(&options.tool_choice)?;
        match ask {
            Ask::Instruction(_) => state = branch.close_unfinished(&turns, state).await?,
            Ask::Resume if !state.is_unfinished() => return Err(Error::NothingToResume),
            Ask::Resume | Ask::Again { .. } => {}
        }
        Ok(Ready { branch, turns, state, provider, config, options, offer, ask, wished })
    }
}

impl Ready {
    /// Writes the instruction. Once begun it is to be driven to its end.
    pub(super) async fn begin(self) -> Result<Run> {
        let Self { branch, turns, state, provider, config, mut options, offer, ask, wished } = self;
        let system = options.system.take();
        let (tools, limits) = (offer.tools.keys().cloned().collect(), options.limits);
        let opening = match ask {
            Ask::Instruction(draft) => {
                let (turn, effects) = Turn::begin(draft);
                let mut turn = turn.with_tools(tools).with_limits(limits);
                let (instruction, state) =
                    write_instruction(&branch, &turns, state, effects, system).await?;
                let next = turn.step(Input::Written);
                Opening::of((turn, next), instruction, Extent::End, state)
            }
            Ask::Again { text } => {
                let (instruction, extent, state) =
                    go_back(&branch, &turns, state, (text, system)).await?;
                let turn = Turn::resume_from(CutOff::default(), tools, limits);
                Opening::of(turn, instruction, extent, state)
            }
            Ask::Resume => {
                let Rest { instruction, place, answered, results } = Rest::of(&state.view, &offer)?;
                let turn = Turn::resume_from(place, tools, limits);
                let opening = Opening::of(turn, instruction, Extent::End, state);
                Opening { answered, results, ..opening }
            }
        };
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
            heard,
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
    fn of(
        (turn, next): (Turn, Vec<Effect>),
        instruction: MessageId,
        extent: Extent,
        state: State,
    ) -> Self {
        Self { turn, next, instruction, extent, state, answered: None, results: Vec::new() }
    }
}

/// Refuses limits that a turn could not keep.
const fn check_limits(limits: &TurnLimits) -> Result<()> {
    let problem = match limits {
        TurnLimits { rounds: 0, .. } => "the model must be asked at least once",
        TurnLimits { tokens: Some(0), .. } => "no answer has 0 tokens",
        TurnLimits { time: Some(Duration::ZERO), .. } => "no answer takes no time",
        _ => return Ok(()),
    };
    Err(Error::BadLimits { problem })
}

async fn write_instruction(
    branch: &Branch,
    turns: &Turns,
    state: State,
    effects: Vec<Effect>,
    system: Option<String>,
) -> Result<(MessageId, State)> {
    let sender = state.view.config().sender.clone();
    let drafts = effects.into_iter().filter_map(|effect| match effect {
        Effect::WriteInstruction(draft) => Some(draft),
        _ => None,
    });
    let drafts: Vec<Draft> = drafts
        .map(|draft| match (&draft.sender, &sender) {
            (None, Some(sender)) => draft.with_sender(sender),
            _ => draft,
        })
        .collect();
    let (ids, state) = branch
        .write_step(turns, state, Extent::Beginning.into(), |step| {
            if let Some(system) = system {
                step.set_system(system)?;
            }
            let ids = drafts.into_iter().map(|draft| step.message(draft));
            Ok(ids.collect::<Result<Vec<_>, _>>()?)
        })
        .await?;
    Ok((ids.last().copied().ok_or(Error::NothingToRetry)?, state))
}

/// Takes what followed the last instruction out of the view, and lets it say `text` and the system
/// message `system` when they are given. Configuration and edits that came since stay; `undo` takes all of it back with the answer.
async fn go_back(
    branch: &Branch,
    turns: &Turns,
    state: State,
    (text, system): (Option<String>, Option<String>),
) -> Result<(MessageId, Extent, State)> {
    let is_instruction = |message: &&Arc<Message>| matches!(message.body, Body::Instruction { .. });
    let instruction = state.view.messages().rev().find(is_instruction);
    let instruction = Arc::clone(instruction.ok_or(Error::NothingToRetry)?);
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

/// What is there of a turn that was cut off.
#[derive(Debug)]
struct Rest {
    instruction: MessageId,
    place: CutOff,
    /// The last answer.
    answered: Option<MessageId>,
    /// The results of all its calls.
    results: Vec<MessageId>,
}

impl Rest {
    /// What `view` ends with; calls run again as the tools on `offer` may.
    fn of(view: &View, offer: &Offer) -> Result<Self> {
        let is_instruction = |message: &&Arc<Message>| message.role() == Role::User;
        let instruction = view.messages().rev().find(is_instruction);
        let instruction = instruction.ok_or(Error::NothingToResume)?.id;
        let (place, answered, results) = (CutOff::default(), None, Vec::new());
        let mut rest = Self { instruction, place, answered, results };
        let own = view.messages().skip_while(|message| message.id != instruction).skip(1);
        for message in own {
            match &message.body {
                Body::ActionRequest { calls, .. } => {
                    rest.place.rounds += 1;
                    rest.answered = Some(message.id);
                    let state = |call: &ToolCall| (call.clone(), state_of(view, offer, call));
                    rest.place.calls = calls.iter().map(state).collect();
                }
                Body::ActionResponse { .. } => rest.results.push(message.id),
                _ => {}
            }
        }
        Ok(rest)
    }
}

/// How far a call of the last answer is.
fn state_of(view: &View, offer: &Offer, call: &ToolCall) -> CallState {
    if view.open_calls().iter().all(|open| open.id != call.id) {
        return CallState::Told;
    }
    if let Some(noted) = view.noted(&call.id) {
        return CallState::Ended(noted.outcome.clone());
    }
    let may_run = |registered: &Registered| registered.tool.effect().may_run_again();
    if offer.tools.get(&call.function).is_some_and(may_run) {
        CallState::Runs
    } else {
        CallState::Unknown
    }
}

impl Run {
    /// What to do first.
    pub(super) fn next(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.next)
    }

    pub(super) const fn instruction(&self) -> MessageId {
        self.instruction
    }

    pub(super) fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.provider)
    }

    pub(super) fn request(&self) -> ModelRequest {
        let view = &self.state.view;
        let messages = match &self.options.shown {
            None => view.messages().map(Arc::clone).collect(),
            Some(filter) => {
                let own = || view.messages().skip_while(|message| message.id != self.instruction);
                let is_own: BTreeSet<_> = own().map(|message| message.id).collect();
                let shown = view.select_groups(filter).filter(|shown| !is_own.contains(&shown.id));
                shown.chain(own()).map(Arc::clone).collect()
            }
        };
        let choice = match &self.options.tool_choice {
            _ if self.turn.must_answer() => ToolChoice::None,
            ToolChoice::Required | ToolChoice::Named(_) if self.turn.rounds() > 1 => {
                ToolChoice::Auto
            }
            choice => choice.clone(),
        };
        let request = ModelRequest::new(messages, self.config.clone())
            .with_tools(self.offer.specs.clone(), choice);
        if self.options.in_one_piece { request.without_stream() } else { request }
    }

    /// Notes that `rendered` is sent now.
    pub(super) fn start(&mut self, request: &ModelRequest, rendered: &RenderedRequest) {
        let (view, config) = (&self.state.view, self.options.config.clone());
        let times = (self.wished, self.branch.engine().now());
        self.meter = Some(Meter::start(request, rendered, view, config, times));
    }

    /// Notes what the model said.
    pub(super) fn hear(&mut self, event: &ProviderEvent) {
        if let Some(meter) = &mut self.meter {
            meter.hear(event, || self.branch.engine().now());
        }
    }

    pub(super) fn step(&mut self, input: Input) -> Vec<Effect> {
        self.turn.step(input)
    }

    /// Writes the answer, which asks for calls. To be driven to its end once begun.
    pub(super) async fn write_calls(mut self, answer: Draft) -> Result<Self> {
        let extent = match self.extent {
            Extent::End => Extent::Middle,
            _ => Extent::Beginning,
        };
        match self.write(extent, vec![answer.clone()], None).await {
            Err(Error::Conflict(Conflict::HeadMoved { .. })) => {
                // Its calls do not run.
                let results = self.stopped();
                let drafts = std::iter::once(answer).chain(results).collect();
                Err(self.keep_elsewhere(drafts).await)
            }
            written => {
                let (ids, state) = written?;
                self.answered = ids.first().copied();
                self.state = state;
                self.extent = Extent::End;
                Ok(self)
            }
        }
    }

    /// Writes what came of one call while others run. To be driven to its end once begun.
    pub(super) async fn record(
        mut self,
        results: Vec<Draft>,
        noted: Option<CallResult>,
    ) -> Result<Self> {
        // The call of the model is kept with its answer.
        self.call = None;
        let state = self.state.clone();
        let (told, noting) = (results.clone(), noted.clone());
        let write = |step: &mut StepWriter<'_>| {
            let ids = told.into_iter().map(|draft| step.message(draft));
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            noting.map_or(Ok(()), |noted| step.note(noted))?;
            Ok(ids)
        };
        let part = Extent::Middle.into();
        match self.branch.write_step(&self.turns, state, part, write).await {
            Err(Error::Conflict(Conflict::HeadMoved { .. })) => {
                // The others are stopped, and what is known of each goes along.
                let rest = self.stopped();
                let drafts = results.into_iter().chain(rest).collect();
                Err(self.keep_elsewhere(drafts).await)
            }
            written => {
                let (ids, state) = written?;
                self.results.extend(ids);
                self.state = state;
                Ok(self)
            }
        }
    }

    /// Stops the turn while something is being written: the results of the calls that are not told.
    fn stopped(&mut self) -> Vec<Draft> {
        let mut effects = self.turn.step(Input::Cancelled);
        effects.extend(self.turn.step(Input::Written));
        let results = effects.into_iter().flat_map(|effect| match effect {
            Effect::WriteAnswer(drafts) => drafts,
            _ => Vec::new(),
        });
        results.collect()
    }

    /// Notes what came of calls, just before the turn is stopped.
    pub(super) fn note_ended(&mut self, ended: impl IntoIterator<Item = Ran>) {
        self.turn.note_ended(ended.into_iter().map(|ran| (ran.call, ran.outcome)));
    }

    /// Writes what came of the calls, before the model is asked again. To be driven to its end once
    /// begun.
    pub(super) async fn write_results(mut self, results: Vec<Draft>) -> Result<Self> {
        let joining = self.steered.joining();
        let said = joining.iter().map(|joining| joining.draft.clone());
        let drafts = results.iter().cloned().chain(said).collect();
        match self.write(Extent::Middle, drafts, None).await {
            Err(Error::Conflict(Conflict::HeadMoved { .. })) => {
                Err(self.keep_elsewhere(results).await)
            }
            written => {
                let (mut ids, state) = written?;
                self.heard = ids.split_off(results.len());
                let said = joining.into_iter().zip(&self.heard);
                said.for_each(|(joining, id)| joining.said(*id));
                self.results.extend(ids);
                self.state = state;
                self.wished = self.branch.engine().now();
                Ok(self)
            }
        }
    }

    /// The answer that was written last.
    pub(super) fn answered(&self) -> Option<Arc<Message>> {
        self.state.view.message(self.answered?).map(Arc::clone)
    }

    /// What was said while the turn went on, and was just written.
    pub(super) fn take_heard(&mut self) -> Vec<Arc<Message>> {
        let heard = std::mem::take(&mut self.heard).into_iter();
        heard.filter_map(|id| self.state.view.message(id).map(Arc::clone)).collect()
    }

    /// What becomes ready when another handle wants the turn to stop; once.
    pub(super) const fn take_stop(&mut self) -> Option<Stop> {
        self.steered.take_stop()
    }

    /// How long the turn may take.
    pub(super) const fn time(&self) -> Option<Duration> {
        self.options.limits.time
    }

    /// What runs `calls`, all at once; each tells of itself when it ends.
    pub(super) fn calls(&self, calls: Vec<ToolCall>) -> BoxStream<'static, Ran> {
        // Calls of a tool that wants it wait in line: a tokio mutex lets them in in their order.
        let mut lines: BTreeMap<String, Arc<Mutex<()>>> = BTreeMap::new();
        let mut running = Vec::with_capacity(calls.len());
        for call in calls {
            let line = Arc::clone(lines.entry(call.function.clone()).or_default());
            running.extend(self.call(call, line));
        }
        stream::iter(running).buffer_unordered(limits::CALLS_PARALLEL_MAX).boxed()
    }

    fn call(&self, call: ToolCall, line: Arc<Mutex<()>>) -> Option<BoxFuture<'static, Ran>> {
        let tool = self.offer.tools.get(&call.function)?.clone();
        let (session, branch) = (self.branch.session_id(), self.branch.id());
        let context = ToolContext::new(session, branch, self.answered?, call.id.clone());
        let running = async move {
            let turn = if tool.tool.is_serial() { Some(line.lock_owned().await) } else { None };
            let (call_id, function) = (call.id.clone(), call.function.clone());
            let outcome = tools::run(tool, call, context).await;
            drop(turn);
            Ran { call: call_id, function, outcome }
        };
        Some(running.boxed())
    }

    /// Writes the answer and ends the turn. To be driven to its end once begun.
    pub(super) async fn close(
        mut self,
        drafts: Vec<Draft>,
        error: Option<&ProviderError>,
    ) -> Result<Closed> {
        let (ids, State { view, .. }) = match self.write(self.extent, drafts.clone(), error).await {
            Err(Error::Conflict(Conflict::HeadMoved { .. })) => {
                return Err(self.keep_elsewhere(drafts).await);
            }
            written => written?,
        };
        let head = view.head().ok_or(Error::EmptyAnswer)?;
        let of = |id: &MessageId| view.message(*id).map(Arc::clone);
        let last: Vec<Arc<Message>> = ids.iter().filter_map(of).collect();
        let (results, answers): (Vec<_>, Vec<_>) =
            last.into_iter().partition(|message| message.role() == Role::Tool);
        let before = self.answered.as_ref().and_then(of);
        let message = answers.into_iter().next().or(before).ok_or(Error::EmptyAnswer)?;
        let results = self.results.iter().filter_map(of).chain(results).collect();
        let ending = match self.turn.step(Input::Written).as_slice() {
            [Effect::Finish(ending)] => *ending,
            _ => Ending::Failed,
        };
        Ok(Closed { ending, reply: Reply::new(message, results, head, &self.turn, ending) })
    }

    /// Writes `drafts`; with the answer, what was noted of the call.
    async fn write(
        &mut self,
        extent: Extent,
        drafts: Vec<Draft>,
        error: Option<&ProviderError>,
    ) -> Result<(Vec<MessageId>, State)> {
        let state = self.state.clone();
        let now = self.branch.engine().now();
        let call = self.meter.take().map(|meter| meter.finish(self.turn.answer(), error, now));
        self.call.clone_from(&call);
        self.branch
            .write_step(&self.turns, state, Part { extent, call }, |step| {
                let ids = drafts.into_iter().map(|draft| step.message(draft));
                Ok(ids.collect::<Result<Vec<_>, _>>()?)
            })
            .await
    }

    /// Another process moved the branch: the answer goes to a branch of its own, forked from the
    /// instruction.
    async fn keep_elsewhere(&self, drafts: Vec<Draft>) -> Error {
        let engine = self.branch.engine();
        let branch = BranchId::from_bits(engine.ids().next_bits());
        let made = self
            .branch
            .commit_with_free_name(|name| self.commit_elsewhere((branch, name), drafts.clone()));
        match made.await {
            Ok(kept_on) => {
                engine.tool_sets().fork(self.branch.id(), branch);
                Error::MovedMeanwhile { kept_on }
            }
            Err(error) => error,
        }
    }

    fn commit_elsewhere(
        &self,
        (branch, name): (BranchId, String),
        drafts: Vec<Draft>,
    ) -> Result<Commit> {
        let engine = self.branch.engine();
        let (session, at) = (self.branch.session_id(), engine.now());
        let view = self.state.view.clone();
        let from = view.head();
        let ids = engine.ids();
        let mut step = StepWriter::after(view, None, ids, at);
        for draft in drafts {
            step.message(draft)?;
        }
        let (ops, _) = step.finish(self.extent);
        let to = ops.last().map(|op| op.id);
        let commit = Commit::new(session, at);
        let commit = match (self.call.clone(), ops.first()) {
            (Some(call), Some(answer)) => commit.with_call(answer.id, call),
            _ => commit,
        };
        let forked_from = Some(self.branch.id());
        let create = Change::CreateBranch { branch, name, forked_from, head: from };
        let head = HeadMove { branch, from, to, cause: Cause::Append };
        Ok(commit.with_change(create).with_ops(ops, head))
    }
}

/// A call that ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) call: CallId,
    pub(super) function: String,
    pub(super) outcome: Outcome,
}

/// A turn whose answer is durable.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) ending: Ending,
    pub(super) reply: Reply,
}

impl Branch {
    /// Ends a step that a crash cut off: with an empty answer, marked as interrupted. Calls of its
    /// answer may have run: their outcome is unknown.
    pub(crate) async fn close_unfinished(&self, turns: &Turns, state: State) -> Result<State> {
        if !state.is_unfinished() {
            return Ok(state);
        }
        let unknown = |call: &ToolCall| match state.view.noted(&call.id) {
            Some(noted) => noted.to_draft(),
            None => Draft::result(call.id.clone(), call.function.clone(), Outcome::Unknown),
        };
        let mut drafts: Vec<Draft> = state.view.open_calls().iter().map(unknown).collect();
        if drafts.is_empty() {
            let empty = Draft::new(Body::Response { parts: Vec::new() });
            drafts.push(empty.with_status(Status::Interrupted));
        }
        let write = |step: &mut StepWriter<'_>| {
            Ok(drafts.into_iter().try_for_each(|draft| step.message(draft).map(drop))?)
        };
        let ((), state) = self.write_step(turns, state, Extent::End.into(), write).await?;
        Ok(state)
    }
}
