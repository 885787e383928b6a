//! The HTTP client of the exporters.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use branchwork::core::causes::with_causes;
use branchwork_http::{ClientOptions, client, is_loopback};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::Client;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::timeout,
};

/// Bytes of an answer that are read: collectors say little.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends batches. The exporters run in threads of the SDK, which know no runtime, so it has one of its own.
pub(crate) struct OtlpClient {
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
    near: OnceLock<Client>,
    far: OnceLock<Client>,
    wait: Duration,
    problem: Problem,
}

/// What went wrong last, if anything did. Clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problem(Arc<Mutex<Option<String>>>);

impl Problem {
    fn note(&self, problem: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for OtlpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpClient").field("wait", &self.wait).finish_non_exhaustive()
    }
}

impl OtlpClient {
    /// Waits so long for each answer; notes what goes wrong with `problem`.
    pub(crate) fn new(wait: Duration, problem: Problem) -> std::io::Result<Self> {
        let runtime = Some(Builder::new_current_thread().enable_all().build()?);
        let (near, far) = (OnceLock::new(), OnceLock::new());
        Ok(Self { runtime, near, far, wait, problem })
    }

    /// The client for servers on this machine, or for others; made when it is first needed.
    fn client(&self, is_loopback: bool) -> Result<&Client, reqwest::Error> {
        let slot = if is_loopback { &self.near } else { &self.far };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let made = client(ClientOptions { is_loopback, connect_wait: None, idle_wait: None })?;
        Ok(slot.get_or_init(|| made))
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client(is_loopback(request.url()))?;
        let mut answer = client.execute(request).await.map_err(reqwest::Error::without_url)?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(format!("the answer has more than {ANSWER_BYTES_MAX} bytes").into());
            }
        }
        Ok(response.body(body.into())?)
    }

    /// The same in the time it has; what goes wrong is noted.
    async fn send_in_time(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let host = request.uri().authority().map(|place| place.host().to_owned());
        let host = host.unwrap_or_default();
        let wait = self.wait;
        let sent = match timeout(wait, self.send(request)).await {
            Ok(sent) => sent,
            Err(_elapsed) => Err(format!("no answer within {wait:?}").into()),
        };
        match &sent {
            Ok(response) if !response.status().is_success() => {
                self.problem.note(format!("{host} answered {}", response.status()));
            }
            Ok(_) => {}
            Err(error) => self.problem.note(format!("{host}: {}", with_causes(&**error))),
        }
        sent
    }
}

#[async_trait]
impl HttpClient for OtlpClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = self.send_in_time(request);
        match &self.runtime {
            Some(runtime) if Handle::try_current().is_err() => runtime.block_on(sending),
            _ => sending.await,
        }
    }
}

impl Drop for OtlpClient {
    fn drop(&mut self) {
        // Whoever drops it may be in a runtime, which must not wait for another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
