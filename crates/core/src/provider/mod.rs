//! The provider boundary: what the engine asks of a model service, and nothing of how.

mod body;
mod cost;
mod embed;
mod error;
mod event;
mod request;

use std::{fmt, pin::Pin};

use async_trait::async_trait;
use futures_core::Stream;

pub use self::{
    body::RequestBody,
    cost::{
        PICO_PER_MICRO, PriceBook, PriceList, PriceTable, Prices, Tariff, add_usd, micro_usd,
        pico_usd, shown_micro_usd, shown_usd, undated, usd,
    },
    embed::{EMBED_INPUTS_MAX, EmbedRequest, Embedder, Embeddings},
    error::{ProviderError, Remedy},
    event::{Finish, ProviderEvent, Rerouted, Retried, Usage},
    request::{Adapted, CacheHints, ModelRequest, RenderedRequest, ToolChoice, ToolSpec},
};

/// The events of one answer, in order. Dropping it cancels the call at once.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<ProviderEvent, ProviderError>> + Send>>;

/// One model that a provider serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its identifier, in the provider's words.
    pub id: String,
    /// Who owns it, when the provider says so.
    pub owner: Option<String>,
    /// How many tokens it can read and write together, when the provider says so.
    pub context_tokens: Option<u32>,
}

/// A service that answers model requests. Object-safe; shared by `Arc`.
///
/// # Contract
///
/// - The stream of a call ends with one [`ProviderEvent::Finished`], or with an error. A stream
///   that ends without either is a [`ProviderError::Truncated`], which the provider reports itself.
/// - Events come in the order in which the server sent them; text is never split inside a
///   character.
/// - The same request renders to the same bytes, always (invariant 10).
/// - Keys appear in no error, no `Debug` output and no rendered body.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// Puts a request in this provider's words, without sending it. Holds no key.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidRequest`] when the request cannot be put in this provider's words.
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError>;

    /// Asks the model. Returns once the server has accepted the request. `rendered` is what
    /// [`render`](Self::render) made of `request`, and what is sent.
    ///
    /// With [`ModelRequest::stream`] unset, the events come all at once.
    ///
    /// # Errors
    ///
    /// What the server or the network said, classified by what the caller can do about it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future or the stream closes the connection; the server stops when it notices.
    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError>;

    /// Renders a request and sends it.
    ///
    /// # Errors
    ///
    /// As for [`render`](Self::render) and [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    async fn call(&self, request: &ModelRequest) -> Result<EventStream, ProviderError> {
        self.send(request, self.render(request)?).await
    }

    /// The models it serves, in its order.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call).
    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError>;
}
