//! Which servers are on this machine.

use std::net::IpAddr;

use reqwest::Url;

/// Whether the server of `url` is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_not_an_address) => host == "localhost" || host.ends_with(".localhost"),
    }
}
