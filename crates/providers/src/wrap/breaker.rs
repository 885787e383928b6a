//! A provider that fails again and again is left alone for a while.

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

use super::{
    circuit::{Circuit, Passage},
    tries::says,
};

/// Asks a provider only while its [`Circuit`] is closed.
///
/// A call that is not made fails with [`ProviderError::Unavailable`], which says how long the circuit stays
/// open.
///
/// # Cancel safety
///
/// As for every provider. A call that is dropped says nothing of its provider: when it was the one that
/// should find out, the next one does.
#[derive(Debug)]
pub struct Breaker {
    inner: Arc<dyn Provider>,
    circuit: Circuit,
}

impl Breaker {
    /// Asks `inner` through `circuit`.
    pub fn new(inner: Arc<dyn Provider>, circuit: Circuit) -> Self {
        Self { inner, circuit }
    }
}

#[async_trait]
impl Provider for Breaker {
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        self.inner.render(request)
    }

    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let mut passage = self.circuit.pass()?;
        match self.inner.send(request, rendered).await {
            Ok(events) => Ok(Box::pin(Watched { events, passage })),
            Err(error) => {
                passage.failed(&error);
                Err(error)
            }
        }
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        self.inner.models().await
    }
}

/// An answer that tells the circuit how it ends.
struct Watched {
    events: EventStream,
    passage: Passage,
}

impl Stream for Watched {
    type Item = Result<ProviderEvent, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.events.as_mut().poll_next(context));
        match &event {
            Some(Ok(ProviderEvent::Finished(_))) => self.passage.succeeded(),
            Some(Ok(event)) if says(event) => self.passage.answered(),
            Some(Err(error)) => self.passage.failed(error),
            Some(Ok(_)) | None => {}
        }
        Poll::Ready(event)
    }
}
