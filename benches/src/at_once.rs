//! A provider that answers at once, and waits for nothing.

use async_trait::async_trait;
use branchwork::core::provider::{
    EventStream, Finish, ModelInfo, ModelRequest, Provider, ProviderError, ProviderEvent,
    RenderedRequest, Usage,
};
use futures_util::stream;

/// Says so many pieces of text to whatever is asked, and renders nothing.
#[derive(Debug, Clone, Copy)]
pub struct AtOnce {
    /// How many.
    pub pieces: usize,
}

#[async_trait]
impl Provider for AtOnce {
    fn render(&self, _request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        Ok(RenderedRequest::default())
    }

    async fn send(
        &self,
        _request: &ModelRequest,
        _rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let usage = Usage { input_tokens: Some(9), output_tokens: Some(9), ..Usage::default() };
        let text = (0..self.pieces).map(|_| ProviderEvent::Text("word ".to_owned()));
        let end = [ProviderEvent::Usage(usage), ProviderEvent::Finished(Finish::Stop)];
        Ok(Box::pin(stream::iter(text.chain(end).map(Ok))))
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        Ok(Vec::new())
    }
}
