//! A chain of providers: when one cannot answer, the next is asked.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use branchwork_core::provider::{
    EventStream, ModelInfo, ModelRequest, Provider, ProviderError, ProviderEvent, RenderedRequest,
    Rerouted,
};
use futures_util::{StreamExt as _, future::BoxFuture, stream};

use super::tries::{self, Next, Plan};

/// What a provider is called that has no name: no table has prices for it.
const UNNAMED: &str = "fallback";

/// Asks the next of a chain of providers when one cannot answer, until something of an answer was said.
///
/// The first one is asked as the request says, the others for a model of their own, where they have one.
/// The reader is told that another one is asked by [`ProviderEvent::Retried`] and by [`ProviderEvent::Rerouted`], and
/// which model answers by [`ProviderEvent::Started`]. What it costs is looked up by the [name](Self::named) of that
/// provider; without one it is not known. Which errors another provider can mend is said by
/// [`mends`](Self::mends), unless [`when`](Self::when) says otherwise. When none can answer, the error is
/// that of the last one.
///
/// [`render`](Provider::render) answers what the first one would be sent, and so that is what is logged of
/// the call and hashed. What another one is sent is rendered by that one when it is asked; one that cannot
/// put the request in its words is passed over.
///
/// [`models`](Provider::models) are those of the first one.
///
/// # Cancel safety
///
/// As for every provider: dropping the answer ends the call that goes on, and no other is made.
///
/// ```
/// # use branchwork_core::provider::Provider;
/// use std::sync::Arc;
///
/// use branchwork_providers::{HttpOptions, HttpProvider, wrap::Fallback};
///
/// let near: Arc<dyn Provider> = Arc::new(HttpProvider::new(HttpOptions::chat("localhost:8080")?)?);
/// let far = Arc::new(HttpProvider::new(HttpOptions::chat("https://openrouter.ai/api/v1")?)?);
/// let either = Fallback::new(near).with(far, Some("qwen/qwen3-8b"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Fallback {
    first: Arc<dyn Provider>,
    others: Vec<Other>,
    mends: fn(&ProviderError) -> bool,
}

/// One that is asked when those before it cannot answer.
#[derive(Debug, Clone)]
pub(super) struct Other {
    provider: Arc<dyn Provider>,
    pub(super) name: String,
    /// The model that it is asked for; that of the request when not said.
    model: Option<String>,
}

impl Other {
    pub(super) fn new(provider: Arc<dyn Provider>, model: Option<&str>) -> Self {
        Self { provider, name: UNNAMED.to_owned(), model: model.map(str::to_owned) }
    }
}

impl Fallback {
    /// A chain of one.
    pub fn new(first: Arc<dyn Provider>) -> Self {
        Self { first, others: Vec::new(), mends: Self::mends }
    }

    /// A chain of `first` and the others.
    pub(super) fn of(first: Arc<dyn Provider>, others: Vec<Other>) -> Self {
        Self { others, ..Self::new(first) }
    }

    /// Asks `provider` when those before it cannot answer, for `model` when it is said, else for that of the
    /// request. Cost: a call copies what it needs of the request.
    #[must_use]
    pub fn with(mut self, provider: Arc<dyn Provider>, model: Option<&str>) -> Self {
        self.others.push(Other::new(provider, model));
        self
    }

    /// Calls the provider that was added last so, in the call log and where prices are looked up: `openrouter`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(other) = self.others.last_mut() {
            other.name = name.into();
        }
        self
    }

    /// Asks the next one after the errors for which `mends` answers true, and after no others.
    #[must_use]
    pub const fn when(mut self, mends: fn(&ProviderError) -> bool) -> Self {
        self.mends = mends;
        self
    }

    /// Whether another provider can be expected to mend it: all but a request that is wrong and a
    /// conversation that is too long. For the latter write
    /// `when(|error| Fallback::mends(error) || matches!(error, ProviderError::TooLong { .. }))`, where the next
    /// model reads more.
    pub const fn mends(error: &ProviderError) -> bool {
        !matches!(error, ProviderError::InvalidRequest { .. } | ProviderError::TooLong { .. })
    }
}

#[async_trait]
impl Provider for Fallback {
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        self.first.render(request)
    }

    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        if self.others.is_empty() {
            return self.first.send(request, rendered).await;
        }
        let others = self.others.iter().cloned().collect();
        let plan = Onwards { request: request.clone(), others, mends: self.mends };
        tries::answer(self.first.send(request, rendered).await, plan)
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        self.first.models().await
    }
}

/// Asks those that were not asked yet.
struct Onwards {
    request: ModelRequest,
    others: VecDeque<Other>,
    mends: fn(&ProviderError) -> bool,
}

impl Plan for Onwards {
    fn next(&mut self, error: &ProviderError, has_said: bool) -> Option<Next> {
        if has_said || !(self.mends)(error) {
            return None;
        }
        while let Some(other) = self.others.pop_front() {
            let mut request = self.request.clone();
            request.config.model = other.model.clone().or(request.config.model);
            if let Ok(rendered) = other.provider.render(&request) {
                return Some(Next { wait: Duration::ZERO, send: ask(other, request, rendered) });
            }
        }
        None
    }
}

/// Asks, and sees to it that the answer names its provider and its model.
fn ask(
    Other { provider, name, .. }: Other,
    request: ModelRequest,
    rendered: RenderedRequest,
) -> BoxFuture<'static, Result<EventStream, ProviderError>> {
    Box::pin(async move {
        let events = provider.send(&request, rendered).await?;
        let asked = request.config.model;
        let model = asked.clone().unwrap_or_default();
        let rerouted = ProviderEvent::Rerouted(Rerouted { provider: name, model });
        let named = move |event| match event {
            Ok(ProviderEvent::Started { model, response_id }) => {
                Ok(ProviderEvent::Started { model: model.or_else(|| asked.clone()), response_id })
            }
            event => event,
        };
        let first = stream::iter([Ok(rerouted)]);
        Ok(Box::pin(first.chain(events.map(named))) as EventStream)
    })
}
