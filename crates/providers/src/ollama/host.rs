//! Addresses as `OLLAMA_HOST` has them.

use std::{borrow::Cow, net::Ipv6Addr};

/// Where Ollama listens.
const PORT: u16 = 11434;

/// The one host that is known to want `https`.
const CLOUD: &str = "ollama.com";

/// `typed` with the host, the port and the scheme that Ollama takes where none is given. What has a
/// scheme stays as it is.
pub(crate) fn completed(typed: &str) -> Cow<'_, str> {
    let typed = typed.trim().trim_matches(['"', '\'']).trim();
    if typed.is_empty() || typed.contains("://") {
        return Cow::Borrowed(typed);
    }
    let (host, path) = match typed.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (typed, String::new()),
    };
    if host == CLOUD {
        return Cow::Owned(format!("https://{host}{path}"));
    }
    let host = if host.parse::<Ipv6Addr>().is_ok() {
        format!("[{host}]")
    } else if host.is_empty() || host.starts_with(':') {
        format!("127.0.0.1{host}")
    } else {
        host.to_owned()
    };
    let has_port = host.contains(':') && !host.ends_with(']');
    let port = if has_port { String::new() } else { format!(":{PORT}") };
    Cow::Owned(format!("http://{host}{port}{path}"))
}

#[cfg(test)]
mod tests {
    use crate::HttpOptions;

    #[test]
    fn every_form_of_ollama_host_is_understood() {
        for (typed, expected) in [
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
            ("localhost", "http://localhost:11434"),
            ("localhost:11434/", "http://localhost:11434"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            (":56789", "http://127.0.0.1:56789"),
            (" \"1.2.3.4\" ", "http://1.2.3.4:11434"),
            ("box.lan", "http://box.lan:11434"),
            ("box.lan:80", "http://box.lan"),
            ("box.lan/ollama", "http://box.lan:11434/ollama"),
            ("http://box.lan", "http://box.lan"),
            ("https://box.lan/ollama/api/", "https://box.lan/ollama"),
            ("::1", "http://[::1]:11434"),
            ("[::1]", "http://[::1]:11434"),
            ("[::1]:56789/api", "http://[::1]:56789"),
            ("ollama.com", "https://ollama.com"),
            ("https://ollama.com/api", "https://ollama.com"),
            ("http://127.0.0.1:11434/api/chat", "http://127.0.0.1:11434"),
            ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434"),
        ] {
            let options = HttpOptions::ollama(typed);
            assert_eq!(options.as_ref().map(HttpOptions::base_url), Ok(expected), "{typed}");
        }
        for typed in ["", " ", "\"\"", "localhost:port", "me@box.lan", "box.lan?key=1"] {
            assert!(HttpOptions::ollama(typed).is_err(), "{typed}");
        }
    }
}
