//! The HTTP client of a server.

use std::{collections::BTreeMap, error::Error as StdError};

use branchwork_http::{ClientOptions, client, is_loopback};
use reqwest::{
    Client, Url,
    header::{HeaderName, HeaderValue},
};
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig, StreamableHttpError,
};

use crate::error::say;

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
    // What answers may take long, and the caller keeps the time.
    let options =
        ClientOptions { is_loopback: is_loopback(&parsed), connect_wait: None, idle_wait: None };
    let client = client(options).map_err(|error| say(&error, &[]))?;
    Ok(StreamableHttpClientTransport::with_client(client, config))
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
