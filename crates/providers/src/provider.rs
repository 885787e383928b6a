//! The provider itself: it sends what is rendered and hands on what is decoded.

use std::{borrow::Cow, sync::Arc, time::Duration};

use async_trait::async_trait;
use branchwork_core::{
    limits::RESPONSE_BYTES_MAX,
    provider::{EventStream, ModelInfo, ModelRequest, Provider, ProviderError, RenderedRequest},
    secret::Secret,
};
use branchwork_http::{ClientOptions, client};
use reqwest::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use tokio::time::timeout;

use crate::{
    base_url::BaseUrl,
    errors::Reporter,
    framing::Framing,
    mask::{Mask, is_public},
    options::HttpOptions,
    prefix::Prefixes,
    protocol::Protocol,
    reading,
    recording::{Redactor, Reread},
    transport::{Body, Incoming, Outgoing, Route, Transport},
    wire::Wire,
};

/// Bytes of the body of an error that are read.
const ERROR_BODY_BYTES_MAX: usize = 64 * 1024;

/// How long the body of an error is waited for; the status alone says what to do.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);

/// A server that is asked over HTTP, in its [`Protocol`].
///
/// It keeps connections open for the next call; share it by `Arc`. It must be used within a tokio
/// runtime that has time and I/O.
#[derive(Debug)]
pub struct HttpProvider {
    transport: Transport,
    base_url: BaseUrl,
    protocol: Protocol,
    wire: Box<dyn Wire>,
    /// Conversations that were rendered lately.
    prefixes: Prefixes,
    /// Sent with every request; the values are marked as sensitive, so `Debug` hides them.
    headers: HeaderMap,
    probe_wait: Duration,
    reporter: Arc<Reporter>,
    mask: Arc<Mask>,
}

impl HttpProvider {
    /// Sets up the provider. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Auth`] when the key holds characters that no header can carry,
    /// [`ProviderError::InvalidRequest`] when a header of the options does.
    pub fn new(options: HttpOptions) -> Result<Self, ProviderError> {
        let HttpOptions { base_url, key, protocol, headers, .. } = options;
        let HttpOptions { connect_wait, idle_wait, probe_wait, recorder, cassette, .. } = options;
        let wire = protocol.wire();
        let hidden = headers.iter().filter(|(name, _)| !is_public(name));
        let values = hidden.map(|(_, value)| value);
        let redactor = Arc::new(Redactor::new(key.as_ref(), values.clone()));
        let secrets: Vec<Secret> = key.iter().chain(values).cloned().collect();
        let mask = Arc::new(Mask::new(&secrets));
        let reporter = Arc::new(Reporter::new(secrets, base_url.as_str().to_owned()));
        let headers = header_map(&wire.headers(key.as_ref()), &headers, &reporter)?;
        let route = match cassette {
            Some(cassette) => Route::Recording(cassette, Arc::clone(&redactor)),
            None => Route::Network(
                client(ClientOptions {
                    is_loopback: base_url.is_loopback(),
                    connect_wait,
                    idle_wait: Some(idle_wait),
                })
                .map_err(|error| reporter.transport(error))?,
            ),
        };
        let tap = recorder.map(|recorder| (recorder, redactor));
        let transport = Transport::new(route, tap, Arc::clone(&reporter));
        let prefixes = Prefixes::default();
        Ok(Self {
            transport,
            base_url,
            protocol,
            wire,
            prefixes,
            headers,
            probe_wait,
            reporter,
            mask,
        })
    }

    /// How the server is talked to.
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Posts a JSON body and reads a whole answer of at most `bytes_max`.
    pub(crate) async fn post(
        &self,
        path: &str,
        body: String,
        bytes_max: usize,
    ) -> Result<Vec<u8>, ProviderError> {
        let headers = self.headers.clone();
        let sent = self.sent(self.url(path), "application/json", (headers, body)).await?;
        reading::body(sent.body, bytes_max, &self.reporter).await
    }

    /// Posts a JSON body, and waits for the head of an answer that is a success.
    async fn sent(
        &self,
        url: String,
        accept: &'static str,
        (headers, body): (HeaderMap, String),
    ) -> Result<Incoming, ProviderError> {
        let headers = with_kinds(headers, accept);
        let outgoing = Outgoing { method: Method::POST, url, headers, body, wait: None };
        self.accepted(self.transport.send(outgoing).await?).await
    }

    pub(crate) fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    pub(crate) fn mask(&self) -> &Mask {
        &self.mask
    }

    pub(crate) const fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.as_str())
    }

    /// The answer if it is a success, else what it says went wrong.
    async fn accepted(&self, incoming: Incoming) -> Result<Incoming, ProviderError> {
        if (200..300).contains(&incoming.status) {
            return Ok(incoming);
        }
        let Incoming { status, headers, body } = incoming;
        let body = timeout(ERROR_BODY_WAIT, beginning(body)).await.unwrap_or_default();
        Err(self.reporter.status(status, &headers, &body))
    }
}

#[async_trait]
impl Provider for HttpProvider {
    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let framing = self.wire.framing();
        let accept = match framing {
            Framing::Events if request.stream => "text/event-stream",
            Framing::Events | Framing::Lines => "application/json",
        };
        let more = self.wire.request_headers(request);
        let headers = with_more(self.headers.clone(), &more);
        let sent = self.sent(rendered.url, accept, (headers, rendered.body.to_string())).await?;
        let decoder = self.wire.decoder(request, &self.reporter);
        let Incoming { headers, mut body, .. } = sent;
        let form = form_of(&headers, request.stream, framing);
        body.reread_by(|| Reread {
            mask: Arc::clone(&self.mask),
            framing: matches!(form, Form::Stream).then_some(framing),
            decoder: self.wire.decoder(request, &self.reporter),
        });
        let events = match form {
            Form::Stream => reading::events(body, framing, decoder),
            Form::Whole => reading::whole(body, decoder, &self.reporter).await?,
            Form::Page => {
                let body = timeout(ERROR_BODY_WAIT, beginning(body)).await.unwrap_or_default();
                return Err(self.reporter.malformed("the server sent a page", &body));
            }
        };
        Ok(self.mask.events(events))
    }

    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        let written = self.prefixes.write(&*self.wire, request);
        let (body, pen) = written.map_err(|problem| self.reporter.invalid(&problem))?;
        let (bytes, max) = (body.len(), self.wire.request_bytes_max());
        if let Some(max) = max.filter(|max| bytes > *max) {
            let problem = format!("the request has {bytes} bytes, and this protocol takes {max}");
            return Err(self.reporter.invalid(&problem));
        }
        let url = self.url(&self.wire.path(request));
        Ok(RenderedRequest { url, body, adapted: pen.adapted })
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        let (method, url) = (Method::GET, self.url(self.wire.models_path()));
        let (headers, wait) = (self.headers.clone(), Some(self.probe_wait));
        let sent =
            self.transport.send(Outgoing { method, url, headers, body: String::new(), wait });
        let Incoming { body, .. } = self.accepted(sent.await?).await?;
        let body = reading::body(body, RESPONSE_BYTES_MAX, &self.reporter).await?;
        let malformed = || self.reporter.malformed("the answer is no list of models", &body);
        Ok(self.mask.models(self.wire.models(&body).ok_or_else(malformed)?))
    }
}

/// The headers of the protocol, the key among them, and those of the caller, which come in the place of
/// the former.
fn header_map(
    own: &[(&'static str, Secret)],
    others: &[(String, Secret)],
    reporter: &Reporter,
) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    for (name, value) in own {
        let value = sensitive(value).ok_or_else(|| ProviderError::Auth {
            status: None,
            detail: "the key holds characters that no header can carry".to_owned(),
        })?;
        headers.insert(HeaderName::from_static(name), value);
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

/// `headers` and `more`. What both name says what `headers` says, a comma, and what `more` says.
fn with_more(mut headers: HeaderMap, more: &[(&'static str, &'static str)]) -> HeaderMap {
    for (name, value) in more {
        let said = headers.get(*name).and_then(|value| value.to_str().ok());
        let value = match said {
            Some(said) if said.split(',').any(|said| said.trim() == *value) => continue,
            Some(said) => Cow::Owned(format!("{said},{value}")),
            None => Cow::Borrowed(*value),
        };
        if let Some(value) = sensitive(&Secret::new(value)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// `headers`, and that JSON is sent and `accept` is wanted, where they say nothing of it.
fn with_kinds(mut headers: HeaderMap, accept: &'static str) -> HeaderMap {
    for (name, kind) in [(CONTENT_TYPE, "application/json"), (ACCEPT, accept)] {
        headers.entry(name).or_insert(HeaderValue::from_static(kind));
    }
    headers
}

fn sensitive(secret: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(secret.reveal()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The beginning of a body, as far as it comes.
async fn beginning(mut from: Body) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = from.chunk().await {
        body.extend_from_slice(chunk.as_ref());
        if body.len() > ERROR_BODY_BYTES_MAX {
            break;
        }
    }
    body
}

/// In which form an answer comes.
enum Form {
    Stream,
    Whole,
    Page,
}

/// What the server says counts more than what was asked: some answer whole though a stream was
/// asked for, or the other way round.
fn form_of(headers: &HeaderMap, is_stream: bool, framing: Framing) -> Form {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("text/event-stream") {
        Form::Stream
    } else if kind.starts_with("text/html") {
        Form::Page
    } else if is_stream && (framing == Framing::Lines || !kind.starts_with("application/json")) {
        Form::Stream
    } else {
        Form::Whole
    }
}
