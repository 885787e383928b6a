//! The HTTP client of a server.

use std::{collections::BTreeMap, error::Error as StdError, sync::Arc, time::Duration};

use reqwest::{
    Client, Url,
    header::{HeaderName, HeaderValue},
    redirect,
};
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig, StreamableHttpError,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::error::say;

/// How long a connection may take to come about, name lookup and TLS included.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("branchwork/", env!("CARGO_PKG_VERSION"));

/// What carries the messages of the protocol to the server at `url`, and back.
///
/// # Errors
///
/// What of it cannot be used.
pub(crate) fn transport(
    url: &str,
    headers: &BTreeMap<String, String>,
) -> Result<StreamableHttpClientTransport<Client>, String> {
    let parsed = Url::parse(url).map_err(|error| error.to_string())?;
    let headers = headers.iter().map(|(name, value)| header(name, value));
    let headers = headers.collect::<Result<_, _>>()?;
    let config = StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers);
    Ok(StreamableHttpClientTransport::with_client(client(&parsed)?, config))
}

/// A client without a limit on the whole call: what answers may take long, and the caller keeps the time.
///
/// A redirect would send headers elsewhere, so none is followed.
fn client(url: &Url) -> Result<Client, String> {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_WAIT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .tls_backend_preconfigured(tls(url)?);
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let builder = if is_here { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| say(&error, &[]))
}

/// TLS with the certificates that the system trusts, which are read only when the URL wants TLS.
fn tls(url: &Url) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = if url.scheme() == "https" {
        let builder = builder.with_platform_verifier().map_err(|error| error.to_string())?;
        builder.with_no_client_auth()
    } else {
        builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The error of the HTTP client itself, where there is one: what wraps it does not tell its causes.
pub(crate) fn inner<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    match error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
        Some(StreamableHttpError::Client(inner)) => inner,
        _ => error,
    }
}

/// A header, whose value no output shows.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let bad = || format!("`{name}` is no header, or its value cannot be sent");
    let mut value = HeaderValue::from_str(value).map_err(|_hidden| bad())?;
    value.set_sensitive(true);
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|_same| bad())?, value))
}
