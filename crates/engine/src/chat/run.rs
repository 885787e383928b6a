//! The parts of a turn that touch the world: writing, asking, writing again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use branchwork_core::{
    call::ModelCall,
    clock::Timestamp,
    config::Config,
    graph::{CallResult, Extent, StepWriter},
    id::{MailId, MessageId},
    limits,
    message::{CallId, Draft, Message, Outcome, Role, ToolCall},
    provider::{ModelRequest, Provider, ProviderError, ProviderEvent, RenderedRequest, pico_usd},
    store::Conflict,
    tokens::{Gauge, Measured, TokenCount},
    tool::{ToolChoice, ToolContext},
    turn::{Effect, Ending, Input, Turn},
};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use tokio::sync::Mutex;

use super::{
    Options, Reply,
    answer_fork::beside,
    count::is_measured,
    mail_read::{self, MailRead},
    meter::Meter,
    shown::cache_hints,
    siblings::Siblings,
};
use crate::{
    branch::{Branch, Part, State, Steered, Stop, Turns, is_name_taken},
    budget::{Amount, BudgetScope, Reservation},
    error::{Error, Result},
    telemetry::{ChatSpan, Operation, ToolScope, TurnSpan},
    tools::{self, Came, Offer},
};

/// A turn that holds the right to change its branch.
#[derive(Debug)]
pub(super) struct Run {
    // Goes before the right to change the branch: the next turn is another one.
    pub(super) steered: Steered,
    pub(super) branch: Branch,
    pub(super) turns: Turns,
    pub(super) turn: Turn,
    /// The branch with the instruction, as the model is shown it.
    pub(super) state: State,
    pub(super) instruction: MessageId,
    /// Which part of a step the answer is.
    pub(super) extent: Extent,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) config: Config,
    pub(super) options: Options,
    pub(super) offer: Offer,
    /// The last answer that was written before its calls ran.
    pub(super) answered: Option<MessageId>,
    /// The results that were written.
    pub(super) results: Vec<MessageId>,
    /// What to do first.
    pub(super) next: Vec<Effect>,
    pub(super) wished: Timestamp,
    /// What is noted of the call, until its answer is written.
    pub(super) meter: Option<Meter>,
    /// What is kept of it, from then on.
    pub(super) call: Option<ModelCall>,
    /// What counts tokens, when there is a limit to those of a request, or a budget.
    pub(super) gauge: Option<Gauge>,
    /// The budgets that it is under.
    pub(super) budgets: Vec<BudgetScope>,
    /// What is held of them for the call that goes on.
    pub(super) reservation: Option<Reservation>,
    /// The other answers to the request that goes on.
    pub(super) siblings: Siblings,
    /// The messages of the last request, when they are counted.
    pub(super) sent: Vec<Arc<Message>>,
    /// The mail that results tell of which are not written.
    pub(super) mail: MailRead,
    /// What was said in the meantime, and nobody was told of.
    pub(super) heard: Vec<MessageId>,
    /// What observers are told of the turn.
    pub(super) span: TurnSpan,
    /// What they are told of the call that goes on.
    pub(super) chat: ChatSpan,
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
        let messages = self.options.shown(&self.state.view, Some(self.instruction));
        let choice = match &self.options.tool_choice {
            _ if self.turn.must_answer() => ToolChoice::None,
            ToolChoice::Required | ToolChoice::Named(_) if self.turn.rounds() > 1 => {
                ToolChoice::Auto
            }
            choice => choice.clone(),
        };
        let hints = cache_hints(&self.state.view, messages.len(), self.options.results_kept);
        let request = ModelRequest::new(messages, self.config.clone())
            .with_tools(self.offer.specs.clone(), choice)
            .with_cache(hints)
            .with_choices(self.choices());
        if self.options.in_one_piece { request.without_stream() } else { request }
    }

    /// How many answers are asked for: several only at first.
    const fn choices(&self) -> u32 {
        if self.turn.rounds() > 1 { 1 } else { self.options.choices() }
    }

    /// Notes that `rendered` is sent now.
    pub(super) fn start(&mut self, request: &ModelRequest, rendered: &RenderedRequest) {
        if self.gauge.is_some() {
            self.sent.clone_from(&request.messages);
        }
        let (view, config) = (&self.state.view, self.options.config.clone());
        let config = (config, self.options.results_kept);
        let times = (self.wished, self.branch.engine().now());
        self.meter = Some(Meter::start(request, rendered, view, config, times));
        self.chat = ChatSpan::begin(&self.branch, request, rendered);
        self.branch.feed().begin(self.state.revision);
    }

    /// How many tokens a request may have.
    pub(super) fn context_max(&self) -> u64 {
        self.options.limits.context.unwrap_or(u64::MAX)
    }

    /// How many tokens `request` has, when that is more than it may have.
    pub(super) fn too_long(&self, request: &ModelRequest) -> Option<TokenCount> {
        let (gauge, max) = (self.gauge.as_ref()?, self.options.limits.context?);
        let asked = (request.tools.as_slice(), request.config.response_schema.as_ref());
        Some(gauge.count(&request.messages, asked)).filter(|count| count.tokens > max)
    }

    /// Reserves of the budgets what `request` may use.
    pub(super) fn reserve(&mut self, request: &ModelRequest) -> Result<()> {
        let Some(gauge) = self.gauge.as_ref().filter(|_| !self.budgets.is_empty()) else {
            return Ok(());
        };
        let asked = (request.tools.as_slice(), request.config.response_schema.as_ref());
        let count = gauge.count(&request.messages, asked).tokens;
        let size = (count, request.choices);
        self.reservation = self.branch.reserve(&self.budgets, size, &self.config)?;
        Ok(())
    }

    /// Finds the budgets that the next request is under: some may be new.
    async fn find_budgets(&mut self) -> Result<()> {
        self.budgets = self.branch.budgets().await?;
        if self.gauge.is_none() && !self.budgets.is_empty() {
            let asked = (self.offer.specs.as_slice(), &self.options);
            self.gauge = Some(self.branch.gauge(&self.state.view, &self.config, asked).await?);
        }
        Ok(())
    }

    /// What `call` used, which ended so. What nobody counted of answers that broke off is estimated.
    fn used(&self, call: &ModelCall) -> Amount {
        let reserved = self.reservation.as_ref();
        if let Some(tokens) = call.usage.and_then(|usage| Amount::tokens_of(&usage)) {
            let at_most = || reserved.and_then(|reserved| reserved.amount().pico_usd);
            return Amount { tokens, pico_usd: call.cost_usd.map(pico_usd).or_else(at_most) };
        }
        let answers = std::iter::once(self.turn.answer()).chain(self.siblings.answers());
        let said = answers.filter(|answer| !answer.is_empty());
        let said: Vec<_> = said.map(|said| Arc::new(Draft::new(said.body()).preview())).collect();
        if said.is_empty() {
            return Amount::default();
        }
        let written = Gauge::default().count(&said, (&[], None)).tokens;
        let read = reserved.map_or(0, Reservation::input_tokens);
        Amount::of(read, written, reserved.and_then(Reservation::tariff))
    }

    /// Takes in what the provider measured of the request that was answered last.
    fn measure(&mut self) {
        let sent = std::mem::take(&mut self.sent);
        let (Some(gauge), Some(answer)) = (&mut self.gauge, self.answered) else { return };
        let is_measured = self.call.as_ref().is_none_or(is_measured);
        if self.options.results_kept.is_some() || !is_measured {
            return;
        }
        let usage = self.turn.answer().usage();
        let asked = (self.offer.specs.as_slice(), self.config.response_schema.as_ref());
        if let Some(measured) = usage.and_then(|usage| Measured::new(sent, answer, asked, usage)) {
            gauge.measure(measured);
        }
    }

    /// Notes what the model said.
    pub(super) fn hear(&mut self, event: &ProviderEvent) {
        self.branch.feed().hear(event);
        self.siblings.hear(event);
        self.chat.hear(event);
        if let Some(meter) = &mut self.meter {
            meter.hear(event, || self.branch.engine().now());
        }
    }

    pub(super) fn step(&mut self, input: Input) -> Vec<Effect> {
        self.turn.step(input)
    }

    /// Writes the answer, which asks for calls, and which of them a person is asked about. To be driven
    /// to its end once begun.
    pub(super) async fn write_calls(
        mut self,
        answer: Draft,
        asked: Vec<CallId>,
        noted: Vec<CallResult>,
    ) -> Result<Self> {
        let extent = match self.extent {
            Extent::End => Extent::Middle,
            _ => Extent::Beginning,
        };
        let said = answer.clone();
        let write = move |step: &mut StepWriter<'_>| {
            let ids = step.messages([said.clone()])?;
            noted.iter().cloned().try_for_each(|noted| step.note(noted))?;
            if !asked.is_empty() {
                step.ask_approval(asked.clone())?;
            }
            Ok(ids)
        };
        match self.write(extent, None, write).await {
            Err(Error::Conflict(Conflict::HeadMoved { .. })) => {
                // Its calls do not run.
                let results = self.stopped();
                let drafts = std::iter::once(answer).chain(results).collect();
                Err(self.keep_elsewhere(drafts).await)
            }
            written => {
                let (ids, state) = written?;
                self.answered = ids.first().copied();
                self.measure();
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
        let written = self.tell(Extent::Middle, (results.clone(), noted), None).await;
        match written {
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

    /// Writes results, and what is noted of a call, with the mail that they tell of. When that is not the
    /// branch's any more, the model is told so instead.
    async fn tell(
        &mut self,
        extent: Extent,
        (mut drafts, mut noted): (Vec<Draft>, Option<CallResult>),
        error: Option<&ProviderError>,
    ) -> Result<(Vec<MessageId>, State)> {
        let mail = self.mail.take(&drafts, noted.as_ref());
        let told = (drafts.clone(), noted.clone());
        match self.write(extent, error, |step| write_told(step, &told, &mail)).await {
            Err(Error::Conflict(Conflict::MailMoved { .. })) if !mail.is_empty() => {
                mail.retract(&mut drafts, noted.as_mut());
                for call in mail.calls() {
                    self.turn.revise(call, mail_read::moved());
                }
                let (told, none) = ((drafts, noted), MailRead::default());
                self.write(extent, error, |step| write_told(step, &told, &none)).await
            }
            written => written,
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
        for Ran { call, outcome, received, .. } in ended {
            self.mail.note(&call, received);
            self.turn.note_ended([(call, outcome)]);
        }
    }

    /// Writes what came of the calls, before the model is asked again. To be driven to its end once
    /// begun.
    pub(super) async fn write_results(mut self, results: Vec<Draft>) -> Result<Self> {
        let joining = self.steered.joining();
        let said = joining.iter().map(|joining| {
            let mut said = joining.draft.clone();
            self.span.mark(self.branch.engine().telemetry(), &mut said);
            said
        });
        let drafts = results.iter().cloned().chain(said).collect();
        match self.tell(Extent::Middle, (drafts, None), None).await {
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
                self.find_budgets().await?;
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
        let turn = (self.instruction, self.answered?);
        let context = ToolContext::new((session, branch), turn, call.id.clone());
        let has_content = self.branch.engine().telemetry().has_content();
        let scope = ToolScope { session, branch, has_content };
        let running = async move {
            let turn = if tool.tool.is_serial() { Some(line.lock_owned().await) } else { None };
            let (call_id, function) = (call.id.clone(), call.function.clone());
            let operation = Operation::tool(tool.tool.spec(), &call, scope);
            let running = operation.run_tool(tools::run(tool, call, context), has_content);
            let Came { outcome, received, .. } = running.await;
            drop(turn);
            Ran { call: call_id, function, outcome, received }
        };
        Some(running.boxed())
    }

    /// Writes the answer and ends the turn. To be driven to its end once begun.
    pub(super) async fn close(
        mut self,
        drafts: Vec<Draft>,
        error: Option<&ProviderError>,
    ) -> Result<Closed> {
        let written = self.tell(self.extent, (drafts.clone(), None), error).await;
        let (ids, State { view, .. }) = match written {
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
        let mut reply = Reply::new(message, results, head, &self.turn, ending);
        reply.siblings = self.siblings.forks().to_vec();
        Ok(Closed { ending, reply })
    }

    /// Writes; with the answer, what was noted of its call, and the other answers.
    async fn write<T>(
        &mut self,
        extent: Extent,
        error: Option<&ProviderError>,
        write: impl Fn(&mut StepWriter<'_>) -> Result<T>,
    ) -> Result<(T, State)> {
        let engine = self.branch.engine().clone();
        let Some(meter) = self.meter.take() else {
            let state = self.state.clone();
            return self.branch.write_step(&self.turns, state, extent.into(), write).await;
        };
        let call = meter.finish(self.turn.answer(), error, &engine.prices(), engine.now());
        self.chat.end(&call, (self.turn.answer(), self.siblings.answers()), error);
        let used = self.used(&call);
        self.take_siblings(error.is_some());
        self.call = Some(call);
        // A budget that is set now finds the call in the log, or is told of it.
        let settling = engine.settling().read().await;
        let written = self.write_answers(extent, write).await;
        self.reservation = None;
        self.branch.spend(&self.budgets, used).await;
        drop(settling);
        written
    }

    /// Writes an answer, and the others on forks of their own.
    async fn write_answers<T>(
        &mut self,
        extent: Extent,
        write: impl Fn(&mut StepWriter<'_>) -> Result<T>,
    ) -> Result<(T, State)> {
        let (state, call) = (self.state.clone(), self.call.clone());
        let others = self.siblings.to_write();
        if others.is_empty() {
            let part = Part { call, ..extent.into() };
            return self.branch.write_step(&self.turns, state, part, write).await;
        }
        let mut names = self.branch.free_names().await?;
        loop {
            let beside = beside(&self.branch, others, &names.next(others.len())?);
            let part = Part { call: call.clone(), beside, extent };
            let written = self.branch.write_step(&self.turns, state.clone(), part, &write).await;
            if is_name_taken(&written) {
                continue;
            }
            if written.is_ok() {
                self.siblings.written(&self.branch);
            }
            return written;
        }
    }

    /// Why the turn does not go on by itself.
    pub(super) fn parked(&self) -> Error {
        Error::parked(&self.state.view)
    }
}

/// A call that ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) call: CallId,
    pub(super) function: String,
    pub(super) outcome: Outcome,
    /// The mails that it tells of.
    pub(super) received: Vec<MailId>,
}

/// Writes results behind the receipts of the mail that they tell of.
fn write_told(
    step: &mut StepWriter<'_>,
    (drafts, noted): &(Vec<Draft>, Option<CallResult>),
    mail: &MailRead,
) -> Result<Vec<MessageId>> {
    mail.receive(step)?;
    let ids = step.messages(drafts.iter().cloned())?;
    noted.clone().map_or(Ok(()), |noted| step.note(noted))?;
    Ok(ids)
}

/// A turn whose answer is durable.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) ending: Ending,
    pub(super) reply: Reply,
}

impl Closed {
    /// Tells observers what came of it.
    pub(super) fn tell(&self, span: &TurnSpan) {
        span.completed(&self.reply);
        if self.ending == Ending::Interrupted {
            span.cancelled();
        }
    }
}
