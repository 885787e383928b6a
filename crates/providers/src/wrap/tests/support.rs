//! What the tests of the wrappers share: a provider that answers by a plan, and what came of a call.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use branchwork_core::{
    message::{Body, Part},
    provider::{
        EventStream, Finish, ModelInfo, ModelRequest, Provider, ProviderError, ProviderEvent,
        RenderedRequest, Usage,
    },
};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use crate::testing::{asked, show_usage};

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Asks `text` of a model.
pub(super) fn request(text: &str) -> ModelRequest {
    crate::testing::request(vec![asked(vec![Part::Text(text.to_owned())], None)])
}

/// An answer that takes its time.
#[derive(Debug, Default)]
pub(super) struct Answer(VecDeque<Step>);

#[derive(Debug)]
enum Step {
    Wait(Duration),
    Refuse(ProviderError),
    /// What comes from here on is in the stream.
    Accept,
    Say(Result<ProviderEvent, ProviderError>),
}

impl Answer {
    /// Accepts the call at once.
    pub(super) fn new() -> Self {
        let model = Some("tiny".to_owned());
        let started = ProviderEvent::Started { model, response_id: Some("r1".to_owned()) };
        Self::later(Duration::ZERO).says(started)
    }

    /// Accepts the call after `time`.
    pub(super) fn later(time: Duration) -> Self {
        Self(VecDeque::from([Step::Wait(time), Step::Accept]))
    }

    /// Refuses the call.
    pub(super) fn refusal(error: ProviderError) -> Self {
        Self(VecDeque::from([Step::Refuse(error)]))
    }

    /// A whole answer of one piece.
    pub(super) fn text(text: &str) -> Self {
        Self::new().piece(text).used(10, 5).end()
    }

    pub(super) fn wait(mut self, time: Duration) -> Self {
        self.0.push_back(Step::Wait(time));
        self
    }

    pub(super) fn piece(self, text: &str) -> Self {
        self.says(ProviderEvent::Text(text.to_owned()))
    }

    pub(super) fn used(self, input: u64, output: u64) -> Self {
        self.says(ProviderEvent::Usage(Usage {
            input_tokens: Some(input),
            output_tokens: Some(output),
            ..Usage::default()
        }))
    }

    pub(super) fn end(self) -> Self {
        self.says(ProviderEvent::Finished(Finish::Stop))
    }

    pub(super) fn says(mut self, event: ProviderEvent) -> Self {
        self.0.push_back(Step::Say(Ok(event)));
        self
    }

    pub(super) fn fails(mut self, error: ProviderError) -> Self {
        self.0.push_back(Step::Say(Err(error)));
        self
    }
}

/// Answers calls in order, and notes when each came.
#[derive(Debug)]
pub(super) struct Planned {
    answers: Mutex<VecDeque<Answer>>,
    /// The model that was asked for, and when.
    asked: Mutex<Vec<(String, Instant)>>,
    pub(super) began: Instant,
    dropped: Arc<AtomicUsize>,
    /// A word of its own in what it renders.
    pub(super) name: &'static str,
}

impl Planned {
    pub(super) fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Self::named("planned", answers)
    }

    pub(super) fn named(
        name: &'static str,
        answers: impl IntoIterator<Item = Answer>,
    ) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
            began: Instant::now(),
            dropped: Arc::default(),
            name,
        })
    }

    /// How long after the beginning each call came.
    pub(super) fn times(&self) -> Vec<Duration> {
        lock(&self.asked).iter().map(|(_, at)| at.duration_since(self.began)).collect()
    }

    /// How many calls came.
    pub(super) fn calls(&self) -> usize {
        lock(&self.asked).len()
    }

    pub(super) fn models_asked(&self) -> Vec<String> {
        lock(&self.asked).iter().map(|(model, _)| model.clone()).collect()
    }

    /// How many calls and answers were dropped before their end.
    pub(super) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts when it is dropped before its end.
struct Going {
    steps: VecDeque<Step>,
    dropped: Arc<AtomicUsize>,
    is_over: bool,
}

impl Drop for Going {
    fn drop(&mut self) {
        if !self.is_over {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Provider for Planned {
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        let texts = request.messages.iter().map(|message| match &message.body {
            Body::System { .. } => "system".to_owned(),
            _ => message.text(),
        });
        let texts: Vec<String> = texts.collect();
        if texts.iter().any(|text| text == "unspeakable") {
            return Err(invalid());
        }
        let model = request.config.model.as_deref().unwrap_or_default();
        // As the server's own cache is told where to look.
        let hints = format!("{:?}", Some(&request.cache).filter(|hints| hints.key.is_some()));
        let body = format!("{model} {} {hints}", texts.join(" "));
        let url = format!("{}:", self.name);
        Ok(RenderedRequest { url, body: body.into(), ..RenderedRequest::default() })
    }

    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        assert_eq!(rendered, self.render(request).unwrap(), "what is sent is what was rendered");
        let model = request.config.model.clone().unwrap_or_default();
        lock(&self.asked).push((model, Instant::now()));
        let answer = lock(&self.answers).pop_front().expect("no more calls were planned");
        let dropped = Arc::clone(&self.dropped);
        let mut going = Going { steps: answer.0, dropped, is_over: false };
        loop {
            match going.steps.pop_front() {
                Some(Step::Wait(time)) => sleep(time).await,
                Some(Step::Refuse(error)) => {
                    going.is_over = true;
                    return Err(error);
                }
                _ => break,
            }
        }
        Ok(Box::pin(stream::unfold(going, |mut going| async move {
            loop {
                match going.steps.pop_front() {
                    Some(Step::Wait(time)) => sleep(time).await,
                    Some(Step::Say(event)) => {
                        going.is_over = matches!(event, Err(_) | Ok(ProviderEvent::Finished(_)));
                        return Some((event, going));
                    }
                    _ => return None,
                }
            }
        })))
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        let model = ModelInfo { id: self.name.to_owned(), owner: None, context_tokens: None };
        Ok(vec![model])
    }
}

/// All that came of a call, one line each.
pub(super) async fn read(provider: &dyn Provider, request: &ModelRequest) -> Vec<String> {
    match provider.call(request).await {
        Ok(events) => events.map(|event| tell(&event)).collect().await,
        Err(error) => vec![tell(&Err(error))],
    }
}

/// One line for what came.
pub(super) fn tell(event: &Result<ProviderEvent, ProviderError>) -> String {
    match event {
        Ok(ProviderEvent::Started { model, .. }) => {
            format!("started {}", model.as_deref().unwrap_or("-"))
        }
        Ok(ProviderEvent::Text(text)) => text.clone(),
        Ok(ProviderEvent::Usage(usage)) => format!("usage {}", show_usage(usage)),
        Ok(ProviderEvent::Retried(retried)) => {
            format!("retried {} after {:?}: {}", retried.retries, retried.wait, retried.problem)
        }
        Ok(ProviderEvent::Rerouted(to)) => format!("rerouted to {}:{}", to.provider, to.model),
        Ok(ProviderEvent::Finished(finish)) => finish.as_str().to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("error: {error}: {}", error.detail()),
    }
}

pub(super) fn busy(retry_after: Option<Duration>) -> ProviderError {
    ProviderError::RateLimited { retry_after, detail: "slow down".to_owned() }
}

pub(super) fn down() -> ProviderError {
    let detail = "overloaded".to_owned();
    ProviderError::Unavailable { status: Some(503), retry_after: None, detail, source: None }
}

/// No answer came, and nobody knows why.
pub(super) fn timed_out() -> ProviderError {
    let detail = "no end of the answer came".to_owned();
    ProviderError::Unavailable { status: None, retry_after: None, detail, source: None }
}

/// What another answer to the same request says.
pub(super) fn sibling(choice: u32, text: &str) -> ProviderEvent {
    of_sibling(choice, ProviderEvent::Text(text.to_owned()))
}

/// An event of another answer to the same request.
pub(super) fn of_sibling(choice: u32, event: ProviderEvent) -> ProviderEvent {
    ProviderEvent::Sibling { choice, event: Box::new(event) }
}

pub(super) fn cut() -> ProviderError {
    ProviderError::Truncated { source: None }
}

pub(super) fn garbled() -> ProviderError {
    ProviderError::Malformed { detail: "no JSON".to_owned() }
}

pub(super) fn refused() -> ProviderError {
    ProviderError::Auth { status: Some(401), detail: "who are you".to_owned() }
}

pub(super) fn invalid() -> ProviderError {
    ProviderError::InvalidRequest { status: Some(400), detail: "what is this".to_owned() }
}

pub(super) fn too_long() -> ProviderError {
    ProviderError::TooLong { detail: "too much".to_owned() }
}
