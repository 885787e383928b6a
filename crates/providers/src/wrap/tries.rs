//! A call that is made of several tries: what the reader is told when one fails and the next begins.

use std::{
    future::Future as _,
    mem,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use branchwork_core::provider::{EventStream, ProviderError, ProviderEvent, Retried, Usage};
use futures_util::{Stream, future::BoxFuture};
use tokio::time::{Sleep, sleep};

/// What is done about a try that failed.
pub(super) trait Plan: Send + 'static {
    /// The next try after `error`, when there is to be one. `has_said` tells whether the reader has heard
    /// something of the answer.
    fn next(&mut self, error: &ProviderError, has_said: bool) -> Option<Next>;
}

/// A try that is to be made.
pub(super) struct Next {
    /// How long to wait before.
    pub(super) wait: Duration,
    /// Makes it; nothing is sent before it is polled.
    pub(super) send: BoxFuture<'static, Result<EventStream, ProviderError>>,
}

/// Whether the event is a part of the answer, so that a reader may have done something with it.
pub(super) fn says(event: &ProviderEvent) -> bool {
    match event {
        ProviderEvent::Started { .. }
        | ProviderEvent::Usage(_)
        | ProviderEvent::Retried(_)
        | ProviderEvent::Rerouted(_)
        | ProviderEvent::Finished(_) => false,
        ProviderEvent::Sibling { event, .. } => says(event),
        _ => true,
    }
}

/// The answer of a call whose `first` try was made, and whose next ones are made by `plan` while the
/// answer is read.
///
/// Before each of them comes [`ProviderEvent::Retried`], so that the reader forgets what came. Tokens
/// that failed tries are known to have used come right after it, and are in every count that follows.
///
/// # Errors
///
/// That of the first try, when no other one is made.
pub(super) fn answer(
    first: Result<EventStream, ProviderError>,
    plan: impl Plan,
) -> Result<EventStream, ProviderError> {
    let mut tries = Box::pin(Tries {
        plan: Box::new(plan),
        phase: Phase::Over,
        next_event: None,
        count: Count::default(),
        has_said: false,
    });
    match first {
        Ok(events) => tries.phase = Phase::Answering(events),
        Err(error) => tries.go_on_after(error)?,
    }
    Ok(tries)
}

struct Tries {
    plan: Box<dyn Plan>,
    phase: Phase,
    /// What comes before anything else.
    next_event: Option<ProviderEvent>,
    count: Count,
    has_said: bool,
}

enum Phase {
    /// A try answers.
    Answering(EventStream),
    /// The next try is made after a while; at once when there is no timer.
    Waiting(Option<Pin<Box<Sleep>>>, Next, Problem),
    /// The next try is made.
    Asking(BoxFuture<'static, Result<EventStream, ProviderError>>),
    /// The answer is whole; its stream may have to be read to its end.
    Whole(EventStream),
    /// Nothing may come.
    Over,
}

/// Why a try failed.
struct Problem {
    error_type: &'static str,
    text: String,
}

/// What was counted of all tries.
#[derive(Default)]
struct Count {
    /// Tries that were made anew before this one.
    retries: u32,
    /// What this one told of tries of its own.
    inner: u32,
    /// Tokens of the tries before this one.
    spent: Option<Usage>,
    /// Tokens of this one.
    used: Option<Usage>,
}

impl Count {
    /// All tokens that are known to be used.
    fn usage(&self) -> Option<Usage> {
        match (self.spent, self.used) {
            (Some(spent), Some(used)) => Some(spent.plus(used)),
            (spent, used) => spent.or(used),
        }
    }

    /// Another try is made.
    fn retry(&mut self) -> u32 {
        *self = Self {
            retries: self.retries.saturating_add(self.inner).saturating_add(1),
            inner: 0,
            spent: self.usage(),
            used: None,
        };
        self.retries
    }
}

/// Whether there is something to say, or only something more to do.
type Progress = ControlFlow<Option<Result<ProviderEvent, ProviderError>>>;

impl Stream for Tries {
    type Item = Result<ProviderEvent, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.next_event.take() {
                return Poll::Ready(Some(Ok(event)));
            }
            if let Progress::Break(item) = ready!(self.advance(context)) {
                return Poll::Ready(item);
            }
        }
    }
}

impl Tries {
    /// Goes on until there is something to say, or to wait for.
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Progress> {
        Poll::Ready(match &mut self.phase {
            Phase::Answering(events) => match ready!(events.as_mut().poll_next(context)) {
                Some(Ok(event)) => self.hear(event),
                Some(Err(error)) => self.fail(error),
                None => self.fail(ProviderError::Truncated { source: None }),
            },
            Phase::Waiting(timer, ..) => {
                if let Some(timer) = timer {
                    ready!(timer.as_mut().poll(context));
                }
                self.begin_next()
            }
            Phase::Asking(send) => match ready!(send.as_mut().poll(context)) {
                Ok(events) => {
                    self.phase = Phase::Answering(events);
                    Progress::Continue(())
                }
                Err(error) => self.fail(error),
            },
            Phase::Whole(events) => Progress::Break(ready!(events.as_mut().poll_next(context))),
            Phase::Over => Progress::Break(None),
        })
    }

    /// A try failed: what is next.
    fn fail(&mut self, error: ProviderError) -> Progress {
        match self.go_on_after(error) {
            Ok(()) => Progress::Continue(()),
            Err(error) => Progress::Break(Some(Err(error))),
        }
    }

    /// Plans the next try; gives the error back when there is none.
    fn go_on_after(&mut self, error: ProviderError) -> Result<(), ProviderError> {
        self.phase = Phase::Over;
        let Some(next) = self.plan.next(&error, self.has_said) else { return Err(error) };
        let text = match error.detail() {
            "" => error.to_string(),
            detail => format!("{error}: {detail}"),
        };
        let problem = Problem { error_type: error.error_type(), text };
        let timer = (!next.wait.is_zero()).then(|| Box::pin(sleep(next.wait)));
        self.phase = Phase::Waiting(timer, next, problem);
        Ok(())
    }

    /// The wait is over: tells the reader, and asks.
    fn begin_next(&mut self) -> Progress {
        if let Phase::Waiting(_, Next { wait, send }, problem) =
            mem::replace(&mut self.phase, Phase::Over)
        {
            let retries = self.count.retry();
            self.phase = Phase::Asking(send);
            let Problem { error_type, text: problem } = problem;
            return self.tell_retried(Retried { retries, wait, error_type, problem });
        }
        Progress::Continue(())
    }

    fn tell_retried(&mut self, retried: Retried) -> Progress {
        self.has_said = false;
        self.next_event = self.count.usage().map(ProviderEvent::Usage);
        Progress::Break(Some(Ok(ProviderEvent::Retried(retried))))
    }

    /// Takes what the try says, and tells the reader.
    fn hear(&mut self, event: ProviderEvent) -> Progress {
        let event = match event {
            ProviderEvent::Usage(usage) => {
                self.count.used = Some(usage);
                ProviderEvent::Usage(self.count.usage().unwrap_or(usage))
            }
            // A try may itself be made of several.
            ProviderEvent::Retried(retried) => {
                (self.count.inner, self.count.used) = (retried.retries, None);
                let retries = self.count.retries.saturating_add(retried.retries);
                return self.tell_retried(Retried { retries, ..retried });
            }
            ProviderEvent::Finished(_) => {
                if let Phase::Answering(events) = mem::replace(&mut self.phase, Phase::Over) {
                    self.phase = Phase::Whole(events);
                }
                event
            }
            event => {
                self.has_said |= says(&event);
                event
            }
        };
        Progress::Break(Some(Ok(event)))
    }
}
