//! The stream of a turn: drives the machine as it is read, and closes the turn when it is dropped.

use std::{
    collections::VecDeque,
    mem,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use branchwork_core::{
    message::Message,
    provider::{EventStream, ProviderError, ProviderEvent},
    turn::{Effect, Ending, Input, Limit},
};
use futures_core::Stream;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{self, BoxFuture},
    stream::BoxStream,
};
use tokio::time::Sleep;
use tracing::Instrument as _;

use super::{
    Chat, TurnEvent,
    event::Reply,
    ready::Ready,
    run::{Closed, Ran, Run},
};
use crate::{
    branch::Stop,
    engine::Engine,
    error::{Error, Result},
    telemetry::TurnSpan,
};

/// The events of a turn, as they come.
///
/// Ends with [`TurnEvent::Completed`] or with an error, and then with `None`.
///
/// # Cancel safety
///
/// Dropping it closes the turn in the background with what had come;
/// [`interrupt`](Self::interrupt) does the same and waits for it.
#[must_use = "nothing happens until the stream is read"]
pub struct ChatStream {
    phase: Phase,
    engine: Engine,
    /// When the turn must have ended.
    deadline: Option<Pin<Box<Sleep>>>,
    /// When another handle wants it to stop.
    stop: Option<Stop>,
    /// Why it is to stop, once nothing is being written.
    ending: Option<Input>,
    /// Another handle stopped it.
    is_stopped: bool,
    /// Why a request was not sent.
    refused: Option<Error>,
    /// What was said in the meantime, and is to be shown.
    heard: VecDeque<Arc<Message>>,
    /// What observers are told of the turn, once it can begin.
    span: TurnSpan,
}

/// How far the turn is. What each phase owns is what a drop at that point must finish.
enum Phase {
    /// Waiting for the branch: nothing is written, a drop leaves nothing.
    Waiting(BoxFuture<'static, Result<Ready>>),
    /// The instruction is being written: a drop finishes that and closes the turn.
    Opening(BoxFuture<'static, Result<Run>>),
    /// The model is being asked.
    Asking(Box<Run>, BoxFuture<'static, Result<EventStream, ProviderError>>),
    /// The model answers.
    Answering(Box<Run>, EventStream),
    /// The answer, which asks for calls, is being written: a drop finishes that and closes the
    /// turn.
    Calling(BoxFuture<'static, Result<Run>>),
    /// The calls run.
    Running(Box<Run>, Running),
    /// They run, and what came of one is being written: a drop finishes that and closes the turn.
    Recording(BoxFuture<'static, Result<Run>>, Running),
    /// Their results are being written: a drop finishes that and closes the turn.
    Noting(BoxFuture<'static, Result<Run>>),
    /// The answer is being written, and after it comes the error there may be: a drop finishes
    /// the writing.
    Closing(BoxFuture<'static, Ended>),
    /// It is over.
    Done,
}

/// Calls that run.
struct Running {
    calls: BoxStream<'static, Ran>,
    /// What ended while something was being written.
    ended: VecDeque<Ran>,
}

impl Running {
    /// Lets calls go on; keeps what ended.
    fn go_on(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some(ran)) = self.calls.poll_next_unpin(context) {
            self.ended.push_back(ran);
        }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Ran>> {
        match self.ended.pop_front() {
            Some(ran) => Poll::Ready(Some(ran)),
            None => self.calls.poll_next_unpin(context),
        }
    }
}

/// A turn that is closed, and the failure of the provider, when there was one.
type Ended = (Result<Closed>, Option<ProviderError>);

/// Whether there is something to say, or only something more to do.
type Progress = ControlFlow<Option<Result<TurnEvent>>>;

impl ChatStream {
    pub(super) fn new(chat: Chat) -> Self {
        let engine = chat.branch.engine().clone();
        let phase = Phase::Waiting(chat.ready().boxed());
        Self {
            phase,
            engine,
            deadline: None,
            stop: None,
            ending: None,
            is_stopped: false,
            refused: None,
            heard: VecDeque::new(),
            span: TurnSpan::none(),
        }
    }

    /// Stops the turn and waits until what had come is durable. Answers that part; `None` when
    /// the turn had not begun, or was over.
    ///
    /// # Errors
    ///
    /// As for the turn itself.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future lets the closing go on in the background.
    pub async fn interrupt(mut self) -> Result<Option<Reply>> {
        let phase = mem::replace(&mut self.phase, Phase::Done);
        let Some(closing) = phase.cancel() else { return Ok(None) };
        self.phase = Phase::Closing(closing);
        while let Some(event) = self.next().await {
            match event {
                Ok(TurnEvent::Completed(reply)) => return Ok(Some(reply)),
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Goes on until there is something to say, or to wait for.
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Progress> {
        if let Some(message) = self.heard.pop_front() {
            return Poll::Ready(Progress::Break(Some(Ok(TurnEvent::Steered(message)))));
        }
        self.listen(context);
        self.stop();
        Poll::Ready(match &mut self.phase {
            Phase::Waiting(waiting) => {
                let ready = ready!(waiting.poll_unpin(context));
                self.open(ready)
            }
            Phase::Opening(opening) => {
                let run = ready!(opening.poll_unpin(context));
                self.written(run, Self::opened)
            }
            Phase::Asking(run, asking) => {
                let answer = ready!(run.chat.within(|| asking.poll_unpin(context)));
                self.answered(answer)
            }
            Phase::Answering(run, events) => {
                let event = ready!(run.chat.within(|| events.poll_next_unpin(context)));
                self.hear(event)
            }
            Phase::Calling(calling) => {
                let run = ready!(calling.poll_unpin(context));
                self.written(run, Self::called)
            }
            Phase::Running(_, running) => {
                let ran = ready!(running.poll_next(context));
                self.ran(ran)
            }
            Phase::Recording(recording, running) => {
                running.go_on(context);
                let run = ready!(recording.poll_unpin(context));
                self.written(run, Self::recorded)
            }
            Phase::Noting(noting) => {
                let run = ready!(noting.poll_unpin(context));
                self.written(run, Self::noted)
            }
            Phase::Closing(closing) => {
                let (closed, error) = ready!(closing.poll_unpin(context));
                if let Ok(closed) = &closed {
                    closed.tell(&self.span);
                }
                let last = closed.and_then(|closed| self.last_word(closed, error));
                self.end(last)
            }
            Phase::Done => Progress::Break(None),
        })
    }

    /// Hears whether the time is over, or another handle wants the turn to stop.
    fn listen(&mut self, context: &mut Context<'_>) {
        if self.deadline.as_mut().is_some_and(|deadline| deadline.poll_unpin(context).is_ready()) {
            (self.deadline, self.ending) = (None, Some(Input::OutOfTime));
        }
        if self.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(context).is_ready()) {
            (self.stop, self.ending) = (None, Some(Input::Cancelled));
            self.is_stopped = true;
        }
    }

    /// Tells the turn to end, when it is to, unless it is writing: then it is told after that.
    fn stop(&mut self) {
        let Some(ending) = self.ending.take() else { return };
        let (mut run, ended) = match mem::replace(&mut self.phase, Phase::Done) {
            Phase::Running(run, running) => (run, running.ended),
            Phase::Asking(run, _) | Phase::Answering(run, _) => (run, VecDeque::new()),
            phase => {
                (self.phase, self.ending) = (phase, Some(ending));
                return;
            }
        };
        run.note_ended(ended);
        let effects = run.step(ending);
        self.follow(*run, effects, None);
    }

    fn open(&mut self, ready: Result<Ready>) -> Progress {
        match ready {
            Ok(ready) => {
                self.span = ready.span().clone();
                self.phase = Phase::Opening(ready.begin().boxed());
                Progress::Continue(())
            }
            Err(error) => self.end(Err(error)),
        }
    }

    /// Something is written: what is `next`, unless that failed.
    fn written(&mut self, run: Result<Run>, next: fn(&mut Self, Run) -> Progress) -> Progress {
        match run {
            Ok(run) => next(self, run),
            Err(error) => self.end(Err(error)),
        }
    }

    /// Asks the model for the first time.
    fn opened(&mut self, mut run: Run) -> Progress {
        let instruction = run.instruction();
        if let Some(time) = run.time() {
            self.deadline = Some(Box::pin(tokio::time::sleep(time)));
        }
        self.stop = run.take_stop();
        let effects = run.next();
        self.follow(run, effects, None);
        Progress::Break(Some(Ok(TurnEvent::Started { instruction })))
    }

    fn ask(&mut self, mut run: Run) {
        let (provider, request) = (run.provider(), run.request());
        if let Some(count) = run.too_long(&request) {
            let max = run.context_max();
            self.refused = Some(Error::TooLong { count, max });
            let effects = run.step(Input::TooLong(count.tokens));
            return self.follow(run, effects, None);
        }
        match run.reserve(&request) {
            Ok(()) => {}
            Err(error @ Error::OverBudget { is_parked: true, .. }) => {
                // What is written stays as it is: the turn goes on when it is resumed.
                self.phase = Phase::Closing(future::ready((Err(error), None)).boxed());
                return;
            }
            Err(error) => {
                self.refused = Some(error);
                let effects = run.step(Input::OverBudget);
                return self.follow(run, effects, None);
            }
        }
        let asking = match provider.render(&request) {
            Ok(rendered) => {
                run.start(&request, &rendered);
                async move { provider.send(&request, rendered).await }.boxed()
            }
            Err(error) => future::ready(Err(error)).boxed(),
        };
        self.phase = Phase::Asking(Box::new(run), asking);
    }

    fn answered(&mut self, answer: Result<EventStream, ProviderError>) -> Progress {
        if let Phase::Asking(mut run, _) = mem::replace(&mut self.phase, Phase::Done) {
            match answer {
                Ok(events) => self.phase = Phase::Answering(run, events),
                Err(error) => {
                    let effects = run.step(Input::ProviderFailed);
                    self.follow(*run, effects, Some(error));
                }
            }
        }
        Progress::Continue(())
    }

    /// Takes what the provider said; says what the reader is to see of it.
    fn hear(&mut self, event: Option<Result<ProviderEvent, ProviderError>>) -> Progress {
        let event = event.unwrap_or(Err(ProviderError::Truncated { source: None }));
        let Phase::Answering(run, _) = &mut self.phase else { return Progress::Break(None) };
        let (effects, shown, error) = match event {
            Ok(event) => {
                run.hear(&event);
                let shown = show(&event);
                (run.step(Input::Event(event)), shown, None)
            }
            Err(error) => (run.step(Input::ProviderFailed), None, Some(error)),
        };
        if !effects.is_empty()
            && let Phase::Answering(run, _) = mem::replace(&mut self.phase, Phase::Done)
        {
            self.follow(*run, effects, error);
        }
        shown.map_or(Progress::Continue(()), |shown| Progress::Break(Some(Ok(shown))))
    }

    /// An answer that asks for calls is written.
    fn called(&mut self, mut run: Run) -> Progress {
        let answer = run.answered();
        let effects = self.go_on(&mut run);
        self.follow(run, effects, None);
        let shown = answer.map(TurnEvent::Called);
        shown.map_or(Progress::Continue(()), |shown| Progress::Break(Some(Ok(shown))))
    }

    /// Takes what came of a call.
    fn ran(&mut self, ran: Option<Ran>) -> Progress {
        let Phase::Running(run, _) = &mut self.phase else { return Progress::Break(None) };
        let ran = ran.expect("BUG: a round ends with its last call");
        let Ran { call, function, outcome, received } = ran;
        run.mail.note(&call, received);
        let shown =
            TurnEvent::CallCompleted { id: call.to_string(), function, outcome: outcome.clone() };
        let mut effects = run.step(Input::Ran { call, outcome });
        if !effects.is_empty()
            && let Phase::Running(run, running) = mem::replace(&mut self.phase, Phase::Done)
        {
            match effects.pop() {
                Some(Effect::Record { results, noted }) => {
                    self.phase = Phase::Recording(run.record(results, noted).boxed(), running);
                }
                other => self.follow(*run, Vec::from_iter(other), None),
            }
        }
        Progress::Break(Some(Ok(shown)))
    }

    /// What came of a call is written.
    fn recorded(&mut self, mut run: Run) -> Progress {
        if let Phase::Recording(_, running) = mem::replace(&mut self.phase, Phase::Done) {
            if self.ending.is_some() {
                run.note_ended(running.ended);
                let effects = self.go_on(&mut run);
                self.follow(run, effects, None);
            } else {
                drop(run.step(Input::Written));
                self.phase = Phase::Running(Box::new(run), running);
            }
        }
        Progress::Continue(())
    }

    /// The results of calls are written.
    fn noted(&mut self, mut run: Run) -> Progress {
        self.heard.extend(run.take_heard());
        let effects = self.go_on(&mut run);
        self.follow(run, effects, None);
        Progress::Continue(())
    }

    /// What to do once something is written, and perhaps the turn is to end.
    fn go_on(&mut self, run: &mut Run) -> Vec<Effect> {
        if let Some(ending) = self.ending.take() {
            drop(run.step(ending));
        }
        run.step(Input::Written)
    }

    /// Does what the machine wants done.
    fn follow(&mut self, run: Run, mut effects: Vec<Effect>, error: Option<ProviderError>) {
        self.phase = match effects.pop() {
            Some(Effect::WriteCalls { answer, asked, noted }) => {
                Phase::Calling(run.write_calls(answer, asked, noted).boxed())
            }
            Some(Effect::RunCalls(calls)) => {
                let running = Running { calls: run.calls(calls), ended: VecDeque::new() };
                Phase::Running(Box::new(run), running)
            }
            Some(Effect::WriteResults(results)) => {
                Phase::Noting(run.write_results(results).boxed())
            }
            Some(Effect::AskModel) => return self.ask(run),
            Some(Effect::Finish(Ending::Parked)) => {
                Phase::Closing(future::ready((Err(run.parked()), None)).boxed())
            }
            Some(Effect::WriteAnswer(drafts)) => {
                let closing = async move {
                    let closed = run.close(drafts, error.as_ref()).await;
                    (closed, error)
                };
                Phase::Closing(closing.boxed())
            }
            other => unreachable!("BUG: a turn that goes on wants {other:?}"),
        };
    }

    /// What a turn that ended so says last.
    fn last_word(&mut self, closed: Closed, error: Option<ProviderError>) -> Result<TurnEvent> {
        match (closed.ending, error, self.refused.take()) {
            (Ending::Interrupted, None, _) if self.is_stopped => Err(Error::Interrupted),
            (_, Some(error), _) => Err(Error::Provider(error)),
            (Ending::Empty, None, _) => Err(Error::EmptyAnswer),
            (Ending::Limited(Limit::Time(limit)), None, _) => Err(Error::OutOfTime { limit }),
            (Ending::Limited(Limit::Context { .. } | Limit::Budget), None, Some(refused)) => {
                Err(refused)
            }
            (_, None, _) => Ok(TurnEvent::Completed(closed.reply)),
        }
    }

    /// Says `item` last.
    fn end(&mut self, item: Result<TurnEvent>) -> Progress {
        self.phase = Phase::Done;
        let span = mem::replace(&mut self.span, TurnSpan::none());
        if let Err(error) = &item {
            span.failed(error);
        }
        Progress::Break(Some(item))
    }
}

impl Phase {
    /// What closes the turn as interrupted; `None` when there is nothing to close.
    fn cancel(self) -> Option<BoxFuture<'static, Ended>> {
        Some(match self {
            Self::Waiting(_) | Self::Done => return None,
            Self::Opening(writing) | Self::Calling(writing) | Self::Noting(writing) => {
                cancel_after(writing, VecDeque::new()).boxed()
            }
            Self::Recording(writing, running) => cancel_after(writing, running.ended).boxed(),
            Self::Running(mut run, running) => {
                run.note_ended(running.ended);
                cancel(*run)
            }
            Self::Asking(run, _) | Self::Answering(run, _) => cancel(*run),
            Self::Closing(closing) => closing,
        })
    }
}

/// Closes a turn as interrupted, once something is written; calls `ended` meanwhile.
async fn cancel_after(writing: BoxFuture<'static, Result<Run>>, ended: VecDeque<Ran>) -> Ended {
    match writing.await {
        Ok(mut run) => {
            run.note_ended(ended);
            cancel(run).await
        }
        Err(error) => (Err(error), None),
    }
}

/// Closes a turn as interrupted.
fn cancel(mut run: Run) -> BoxFuture<'static, Ended> {
    let mut effects = run.next();
    if !matches!(effects.as_slice(), [Effect::WriteAnswer(_)]) {
        effects = run.step(Input::Cancelled);
    }
    if effects.is_empty() {
        // Something was just written, and now nothing follows it.
        effects = run.step(Input::Written);
    }
    match effects.pop() {
        Some(Effect::WriteAnswer(drafts)) => {
            async move { (run.close(drafts, None).await, None) }.boxed()
        }
        other => unreachable!("BUG: a turn that is stopped wants {other:?}"),
    }
}

/// What the reader sees of an event of the provider.
fn show(event: &ProviderEvent) -> Option<TurnEvent> {
    match event {
        ProviderEvent::Text(text) => Some(TurnEvent::Text(text.clone())),
        ProviderEvent::Reasoning(text) => Some(TurnEvent::Reasoning(text.clone())),
        ProviderEvent::CallStarted { index, id, function } => Some(TurnEvent::CallStarted {
            index: *index,
            id: id.clone(),
            function: function.clone(),
        }),
        ProviderEvent::CallArguments { index, text } => {
            Some(TurnEvent::CallArguments { index: *index, text: text.clone() })
        }
        ProviderEvent::Usage(usage) => Some(TurnEvent::Usage(*usage)),
        ProviderEvent::Retried(retried) => Some(TurnEvent::Retried(retried.clone())),
        _ => None,
    }
}

impl Stream for ChatStream {
    type Item = Result<TurnEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let span = self.span.span().clone();
            if let Progress::Break(item) = ready!(span.in_scope(|| self.advance(context))) {
                return Poll::Ready(item);
            }
        }
    }
}

impl Drop for ChatStream {
    fn drop(&mut self) {
        let phase = mem::replace(&mut self.phase, Phase::Done);
        let Some(closing) = phase.cancel() else { return };
        // Nobody is left to hear of a failure; what was not closed is found when the branch is
        // next used.
        let span = mem::replace(&mut self.span, TurnSpan::none());
        let within = span.span().clone();
        let closing = closing.map(move |(closed, error)| match (closed, error) {
            (_, Some(error)) => span.failed(&Error::Provider(error)),
            (Err(error), None) => span.failed(&error),
            (Ok(closed), None) => closed.tell(&span),
        });
        self.engine.tasks().finish(closing.instrument(within));
    }
}

impl std::fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let phase = match &self.phase {
            Phase::Waiting(_) => "waiting",
            Phase::Opening(_) => "opening",
            Phase::Asking(..) => "asking",
            Phase::Answering(..) => "answering",
            Phase::Calling(_) => "calling",
            Phase::Running(..) => "running",
            Phase::Recording(..) => "recording",
            Phase::Noting(_) => "noting",
            Phase::Closing(..) => "closing",
            Phase::Done => "done",
        };
        f.debug_struct("ChatStream").field("phase", &phase).finish_non_exhaustive()
    }
}
