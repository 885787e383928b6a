//! The client of one server.

use std::time::Duration;

use reqwest::{Client, redirect};

use super::tls;

/// How long a connection may take to come about, name lookup and TLS included, unless it is said.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// How often a silent connection is checked to be alive, so that a router does not forget it while
/// a model thinks.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

const USER_AGENT: &str = concat!("branchwork/", env!("CARGO_PKG_VERSION"));

/// What differs between the clients of servers.
#[derive(Debug, Clone, Copy)]
pub struct ClientOptions {
    /// Whether the server is on this machine: then no proxy is asked.
    pub is_loopback: bool,
    /// How long a connection may take to come about, name lookup and TLS included; ten seconds when not said.
    pub connect_wait: Option<Duration>,
    /// How long the server may be silent before and between bytes; `None` when the caller keeps the time.
    pub idle_wait: Option<Duration>,
}

/// Makes a client: proxies as the environment says, no redirects, no limit on the whole call.
///
/// A redirect would send the body and the key elsewhere, or turn the POST into a GET.
///
/// # Errors
///
/// What the system said.
pub fn client(options: ClientOptions) -> Result<Client, reqwest::Error> {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(options.connect_wait.unwrap_or(CONNECT_WAIT))
        .tcp_keepalive(TCP_KEEPALIVE)
        .redirect(redirect::Policy::none())
        .referer(false)
        .tls_backend_preconfigured(tls::config());
    let builder = match options.idle_wait {
        Some(wait) => builder.read_timeout(wait),
        None => builder,
    };
    let builder = if options.is_loopback { builder.no_proxy() } else { builder };
    builder.build()
}
