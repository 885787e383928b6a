//! The provider itself: it sends what is rendered and hands on what is decoded.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use branchwork_core::{
    limits::RESPONSE_BYTES_MAX,
    provider::{EventStream, ModelInfo, ModelRequest, Provider, ProviderError, RenderedRequest},
    secret::Secret,
};
use branchwork_http::{ClientOptions, client};
use reqwest::{
    Client, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use tokio::time::timeout;

use super::{
    answer::{self, Decoder},
    base_url::BaseUrl,
    dialect::Dialect,
    errors::Reporter,
    models,
    options::OpenAiOptions,
    request,
};
use crate::mask::Mask;

/// Bytes of the body of an error that are read.
const ERROR_BODY_BYTES_MAX: usize = 64 * 1024;

/// How long the body of an error is waited for; the status alone says what to do.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);

/// A server that speaks the OpenAI Chat Completions protocol.
///
/// It keeps connections open for the next call; share it by `Arc`. It must be used within a tokio
/// runtime that has time and I/O.
#[derive(Debug)]
pub struct OpenAi {
    client: Client,
    base_url: BaseUrl,
    dialect: Dialect,
    /// Sent with every request; the values are marked as sensitive, so `Debug` hides them.
    headers: HeaderMap,
    probe_wait: Duration,
    reporter: Arc<Reporter>,
    mask: Arc<Mask>,
}

impl OpenAi {
    /// Sets up the provider. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Auth`] when the key holds characters that no header can carry,
    /// [`ProviderError::InvalidRequest`] when a header of the options does.
    pub fn new(options: OpenAiOptions) -> Result<Self, ProviderError> {
        let OpenAiOptions { base_url, key, dialect, headers, idle_wait, probe_wait } = options;
        let values = headers.iter().map(|(_, value)| value);
        let secrets: Vec<Secret> = key.iter().chain(values).cloned().collect();
        let mask = Arc::new(Mask::new(&secrets));
        let reporter = Arc::new(Reporter::new(secrets, base_url.as_str().to_owned()));
        let headers = header_map(key.as_ref(), &headers, &reporter)?;
        let client = client(ClientOptions {
            is_loopback: base_url.is_loopback(),
            idle_wait: Some(idle_wait),
        })
        .map_err(|error| reporter.transport(error))?;
        Ok(Self { client, base_url, dialect, headers, probe_wait, reporter, mask })
    }

    fn url(&self) -> String {
        format!("{}/chat/completions", self.base_url.as_str())
    }

    fn body(&self, request: &ModelRequest) -> Result<String, ProviderError> {
        request::render(request, self.dialect).map_err(|problem| self.reporter.invalid(&problem))
    }

    /// The response if it is a success, else what it says went wrong.
    async fn accepted(&self, response: Response) -> Result<Response, ProviderError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers().clone();
        let body = timeout(ERROR_BODY_WAIT, beginning(response)).await.unwrap_or_default();
        Err(self.reporter.status(status.as_u16(), &headers, &body))
    }
}

#[async_trait]
impl Provider for OpenAi {
    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let accept = if request.stream { "text/event-stream" } else { "application/json" };
        let sent = self
            .client
            .post(rendered.url)
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accept)
            .body(rendered.body)
            .send();
        let response = sent.await.map_err(|error| self.reporter.transport(error))?;
        let response = self.accepted(response).await?;
        let decoder = Decoder::new(Arc::clone(&self.reporter), request.messages.len());
        let events = match form_of(&response, request.stream) {
            Form::Events => answer::events(response, decoder),
            Form::Whole => answer::whole(response, decoder, &self.reporter).await?,
            Form::Page => {
                let body = timeout(ERROR_BODY_WAIT, beginning(response)).await.unwrap_or_default();
                return Err(self.reporter.malformed("the server sent a page", &body));
            }
        };
        Ok(self.mask.events(events))
    }

    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        Ok(RenderedRequest { url: self.url(), body: self.body(request)? })
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        let sent = self
            .client
            .get(format!("{}/models", self.base_url.as_str()))
            .headers(self.headers.clone())
            .timeout(self.probe_wait)
            .send();
        let response = sent.await.map_err(|error| self.reporter.transport(error))?;
        let response = self.accepted(response).await?;
        let body = answer::body(response, RESPONSE_BYTES_MAX, &self.reporter).await?;
        let malformed = || self.reporter.malformed("the answer is no list of models", &body);
        Ok(self.mask.models(models::read(&body).ok_or_else(malformed)?))
    }
}

fn header_map(
    key: Option<&Secret>,
    others: &[(String, Secret)],
    reporter: &Reporter,
) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let value = sensitive(&Secret::new(format!("Bearer {}", key.reveal())));
        let value = value.ok_or_else(|| ProviderError::Auth {
            status: None,
            detail: "the key holds characters that no header can carry".to_owned(),
        })?;
        headers.insert(AUTHORIZATION, value);
    }
    for (name, value) in others {
        let header = HeaderName::try_from(name.as_str()).ok();
        let (Some(header), Some(value)) = (header, sensitive(value)) else {
            return Err(reporter.invalid(&format!("the header `{name}` cannot be sent")));
        };
        headers.insert(header, value);
    }
    Ok(headers)
}

fn sensitive(secret: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(secret.reveal()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The beginning of a body, as far as it comes.
async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ERROR_BODY_BYTES_MAX {
            break;
        }
    }
    body
}

/// In which form an answer comes.
enum Form {
    Events,
    Whole,
    Page,
}

/// What the server says counts more than what was asked: some answer whole though a stream was
/// asked for, or the other way round.
fn form_of(response: &Response, is_stream: bool) -> Form {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("text/event-stream") {
        Form::Events
    } else if kind.starts_with("text/html") {
        Form::Page
    } else if is_stream && !kind.starts_with("application/json") {
        Form::Events
    } else {
        Form::Whole
    }
}
