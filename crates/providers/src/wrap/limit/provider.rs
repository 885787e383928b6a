//! Calls that wait for their turn.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use branchwork_core::provider::{
    EventStream, ModelInfo, ModelRequest, Provider, ProviderError, ProviderEvent, RenderedRequest,
};
use futures_util::Stream;

use super::{limiter::Limiter, permit::Permit};

/// Asks a provider when its [`Limiter`] lets it.
///
/// # Cancel safety
///
/// As for every provider: dropping a call that waits gives its place to the next one at once, and so does
/// dropping one that goes on, or its answer. What such a call is known to have used stays counted.
#[derive(Debug)]
pub struct RateLimit {
    inner: Arc<dyn Provider>,
    limiter: Limiter,
}

impl RateLimit {
    /// Asks `inner` when `limiter` lets it. All that share the limits of a provider should share the limiter,
    /// whatever they ask it through.
    pub fn new(inner: Arc<dyn Provider>, limiter: Limiter) -> Self {
        Self { inner, limiter }
    }
}

#[async_trait]
impl Provider for RateLimit {
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        self.inner.render(request)
    }

    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let tokens = self.limiter.estimate(request);
        let mut permit = self.limiter.admit(tokens).await?;
        match self.inner.send(request, rendered).await {
            Ok(events) => Ok(Box::pin(Limited { events, permit: Some(permit) })),
            Err(error) => {
                permit.refuse(&error);
                Err(error)
            }
        }
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        self.inner.models().await
    }
}

/// An answer that holds its permit to its end.
struct Limited {
    events: EventStream,
    permit: Option<Permit>,
}

impl Stream for Limited {
    type Item = Result<ProviderEvent, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.events.as_mut().poll_next(context));
        let Some(permit) = &mut self.permit else { return Poll::Ready(event) };
        let is_over = match &event {
            Some(Ok(event)) => {
                permit.hear(event);
                matches!(event, ProviderEvent::Finished(_))
            }
            Some(Err(error)) => {
                permit.fail(error);
                true
            }
            None => true,
        };
        if is_over {
            self.permit = None;
        }
        Poll::Ready(event)
    }
}
