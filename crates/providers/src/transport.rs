//! Sending requests: over the network, or to a recording that answers in its place.

use std::{sync::Arc, time::Duration, vec};

use branchwork_core::provider::ProviderError;
use reqwest::{
    Client, Method, RequestBuilder, Response,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use crate::{
    errors::Reporter,
    recording::{Cassette, Ended, Exchange, Piece, Recorder, Redactor, Reread, Tap},
};

/// Sends requests, and tells a recorder when there is one.
#[derive(Debug)]
pub(crate) struct Transport {
    route: Route,
    tap: Option<(Arc<dyn Recorder>, Arc<Redactor>)>,
    reporter: Arc<Reporter>,
}

/// Where requests go.
#[derive(Debug)]
pub(crate) enum Route {
    /// Over the network.
    Network(Client),
    /// To a recording, from which these keys were taken.
    Recording(Arc<Cassette>, Arc<Redactor>),
}

/// What is asked of a server.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// How long all of it may take; `None` when the silence between bytes is all that counts.
    pub(crate) wait: Option<Duration>,
}

/// The head of an answer, and the body that follows.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// The body of an answer, as it comes. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Body {
    source: Source,
    tap: Option<Tap>,
}

#[derive(Debug)]
enum Source {
    Network(Response),
    Recording(vec::IntoIter<Piece>, Ended),
}

impl Transport {
    /// Sends along `route`, and tells the recorder of `tap` of everything, without keys.
    pub(crate) const fn new(
        route: Route,
        tap: Option<(Arc<dyn Recorder>, Arc<Redactor>)>,
        reporter: Arc<Reporter>,
    ) -> Self {
        Self { route, tap, reporter }
    }

    /// Sends a request. Returns with the head of the answer.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Unavailable`] when none came; [`ProviderError::InvalidRequest`] when it cannot be
    /// sent, or is not in the recording.
    pub(crate) async fn send(&self, request: Outgoing) -> Result<Incoming, ProviderError> {
        let mut tap = self.tap.as_ref().map(|(recorder, redactor)| {
            let place = (request.method.as_str(), request.url.as_str());
            Tap::new((recorder, redactor), place, &request.headers, &request.body)
        });
        let answered = match &self.route {
            Route::Network(client) => self.ask(client, request).await,
            Route::Recording(cassette, redactor) => self.play(cassette, redactor, &request),
        };
        match answered {
            Ok((status, headers, source)) => {
                if let Some(tap) = &mut tap {
                    tap.head(status, &headers);
                }
                Ok(Incoming { status, headers, body: Body { source, tap } })
            }
            Err(error) => {
                if let Some(tap) = &mut tap {
                    tap.end(Ended::Unanswered(error.detail().to_owned()));
                }
                Err(error)
            }
        }
    }

    async fn ask(
        &self,
        client: &Client,
        request: Outgoing,
    ) -> Result<(u16, HeaderMap, Source), ProviderError> {
        let builder = client.request(request.method, request.url).headers(request.headers);
        let builder = if request.body.is_empty() { builder } else { builder.body(request.body) };
        let builder = request.wait.into_iter().fold(builder, RequestBuilder::timeout);
        let sent = builder.send().await;
        let mut response = sent.map_err(|error| self.reporter.transport(error))?;
        let headers = std::mem::take(response.headers_mut());
        Ok((response.status().as_u16(), headers, Source::Network(response)))
    }

    fn play(
        &self,
        cassette: &Cassette,
        redactor: &Redactor,
        request: &Outgoing,
    ) -> Result<(u16, HeaderMap, Source), ProviderError> {
        let (url, body) = (redactor.text(&request.url), redactor.text(&request.body));
        let exchange = cassette.take(request.method.as_str(), &url, &body);
        let exchange = exchange.map_err(|problem| self.reporter.invalid(&problem))?;
        let Exchange { status, response_headers, pieces, ended, .. } = exchange;
        match (status, ended) {
            (Some(status), ended) => {
                let pair = |(name, value): (String, String)| {
                    let name = HeaderName::try_from(name).ok()?;
                    Some((name, HeaderValue::try_from(value).ok()?))
                };
                let headers = response_headers.into_iter().filter_map(pair).collect();
                Ok((status, headers, Source::Recording(pieces.into_iter(), ended)))
            }
            (None, Ended::Unanswered(detail) | Ended::Broken(detail)) => Err(unanswered(detail)),
            (None, _) => Err(unanswered("the recording ends before the answer".to_owned())),
        }
    }
}

fn unanswered(detail: String) -> ProviderError {
    ProviderError::Unavailable { status: None, retry_after: None, detail, source: None }
}

impl Body {
    /// Lets what is recorded of it be read once more for keys.
    pub(crate) fn reread_by(&mut self, reread: impl FnOnce() -> Reread) {
        if let Some(tap) = &mut self.tap {
            tap.reread_by(reread());
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Truncated`] when it breaks off.
    pub(crate) async fn chunk(
        &mut self,
    ) -> Result<Option<impl AsRef<[u8]> + use<>>, ProviderError> {
        let chunk = match &mut self.source {
            Source::Network(response) => response.chunk().await.map_err(Reporter::cut),
            Source::Recording(pieces, ended) => match (pieces.next(), ended) {
                (Some(piece), _) => Ok(Some(piece.bytes.into())),
                (None, Ended::Whole) => Ok(None),
                (None, ended) => Err(recording_ends(ended)),
            },
        };
        if let Some(tap) = &mut self.tap {
            match &chunk {
                Ok(Some(bytes)) => tap.piece(bytes),
                Ok(None) => tap.end(Ended::Whole),
                Err(error) => tap.end(Ended::Broken(broken(error))),
            }
        }
        chunk
    }
}

fn recording_ends(ended: &Ended) -> ProviderError {
    let problem = match ended {
        Ended::Broken(problem) => problem.clone(),
        Ended::Withheld => "the answer spelt a key, and was not recorded".to_owned(),
        _ => "the recording ends before the answer".to_owned(),
    };
    ProviderError::Truncated { source: Some(problem.into()) }
}

/// What the transport said.
fn broken(error: &ProviderError) -> String {
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
