//! Limits to the time of a call.

use std::{
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use branchwork_core::provider::{
    EventStream, ModelInfo, ModelRequest, Provider, ProviderError, ProviderEvent, RenderedRequest,
};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::tries::says;

/// How long a call may take, for [`Timeouts`]. What is not said is not limited.
///
/// How long a connection may take is an option of the provider that makes it, see
/// [`HttpOptions::with_connect_timeout`](crate::HttpOptions::with_connect_timeout).
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeoutOptions {
    first_token: Option<Duration>,
    between_tokens: Option<Duration>,
    total: Option<Duration>,
}

impl TimeoutOptions {
    /// No limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// From the sending of the request until the model says something: text, a thought or a call. Holds for
    /// streamed answers alone, as others come all at once.
    #[must_use]
    pub const fn with_first_token(mut self, time: Duration) -> Self {
        self.first_token = Some(time);
        self
    }

    /// From one piece of the answer to the next, once the model has said something. Only the time counts in
    /// which the reader waits, not that which it takes for itself. Holds for streamed answers alone.
    #[must_use]
    pub const fn with_between_tokens(mut self, time: Duration) -> Self {
        self.between_tokens = Some(time);
        self
    }

    /// From the sending of the request to the end of the answer, however its reader takes it.
    #[must_use]
    pub const fn with_total(mut self, time: Duration) -> Self {
        self.total = Some(time);
        self
    }
}

/// Ends calls that take too long.
///
/// The error is a [`ProviderError::Unavailable`] whose detail names the limit that was reached, and how
/// long it is. What had come of the answer comes before it.
///
/// # Cancel safety
///
/// As for every provider: nothing goes on when the answer is dropped. A call that is ended here is
/// dropped, and so hangs up.
#[derive(Debug)]
pub struct Timeouts {
    inner: Arc<dyn Provider>,
    options: TimeoutOptions,
}

impl Timeouts {
    /// Limits the time of calls of `inner`.
    pub fn new(inner: Arc<dyn Provider>, options: TimeoutOptions) -> Self {
        Self { inner, options }
    }
}

#[async_trait]
impl Provider for Timeouts {
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        self.inner.render(request)
    }

    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let now = Instant::now();
        let mut silence = Silence { first: None, between: None, since_last: None };
        if request.stream {
            silence.first = Limit::new("first token", now, self.options.first_token);
            silence.between = self.options.between_tokens;
        }
        let total = Limit::new("end of the answer", now, self.options.total);
        let sending = self.inner.send(request, rendered);
        let events = match Limit::sooner(silence.first, total) {
            Some(limit) => match timeout_at(limit.at, sending).await {
                Ok(sent) => sent?,
                Err(_elapsed) => return Err(limit.reached()),
            },
            None => sending.await?,
        };
        Ok(Box::pin(Timed { events: Some(events), silence, total, timer: None }))
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        self.inner.models().await
    }
}

/// A moment at which something must have come.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// What must have come.
    what: &'static str,
    time: Duration,
    at: Instant,
}

impl Limit {
    /// `None` when there is no limit, or one that nobody lives to see.
    fn new(what: &'static str, from: Instant, time: Option<Duration>) -> Option<Self> {
        let time = time?;
        Some(Self { what, time, at: from.checked_add(time)? })
    }

    fn sooner(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        [one, other].into_iter().flatten().min_by_key(|limit| limit.at)
    }

    fn reached(self) -> ProviderError {
        let Self { what, time, .. } = self;
        ProviderError::Unavailable {
            status: None,
            retry_after: None,
            detail: format!("no {what} came within {time:?}"),
            source: None,
        }
    }
}

/// How long the model may say nothing.
struct Silence {
    /// Until it has said something.
    first: Option<Limit>,
    /// From then on.
    between: Option<Duration>,
    /// The latter, from when the reader began to wait.
    since_last: Option<Limit>,
}

impl Silence {
    fn hear(&mut self, event: &ProviderEvent) {
        self.since_last = None;
        if says(event) {
            self.first = None;
        }
    }

    /// The limit while nothing comes.
    fn limit(&mut self) -> Option<Limit> {
        if self.first.is_none() && self.since_last.is_none() {
            self.since_last = Limit::new("next token", Instant::now(), self.between);
        }
        self.first.or(self.since_last)
    }
}

struct Timed {
    /// `None` once it was ended.
    events: Option<EventStream>,
    silence: Silence,
    total: Option<Limit>,
    /// Ends no later than the limit that holds; set anew only when it ends or is late, as a limit moves with
    /// each event.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    /// Ready with the limit that is reached.
    fn poll_limit(&mut self, context: &mut Context<'_>) -> Poll<Limit> {
        let Some(limit) = Limit::sooner(self.silence.limit(), self.total) else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(limit.at)));
        if timer.deadline() > limit.at {
            timer.as_mut().reset(limit.at);
        }
        ready!(timer.as_mut().poll(context));
        while timer.deadline() < limit.at {
            timer.as_mut().reset(limit.at);
            ready!(timer.as_mut().poll(context));
        }
        Poll::Ready(limit)
    }
}

impl Stream for Timed {
    type Item = Result<ProviderEvent, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(events) = &mut self.events else { return Poll::Ready(None) };
        // What is there counts, however late its reader comes.
        if let Poll::Ready(event) = events.as_mut().poll_next(context) {
            match &event {
                Some(Ok(ProviderEvent::Finished(_))) => {
                    self.silence = Silence { first: None, between: None, since_last: None };
                    self.total = None;
                }
                Some(Ok(event)) => self.silence.hear(event),
                Some(Err(_)) | None => self.events = None,
            }
            return Poll::Ready(event);
        }
        let limit = ready!(self.poll_limit(context));
        self.events = None;
        Poll::Ready(Some(Err(limit.reached())))
    }
}
