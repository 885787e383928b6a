//! The server of a URL.

/// The host and the port of `url`; what else it holds may be secret. `None` when it has no host, or its port
/// is neither said nor known.
pub fn server(url: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let default = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(default, |port| port.parse().ok())?;
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::server;

    #[test]
    fn a_server_is_host_and_port_and_nothing_else() {
        for (url, found) in [
            ("https://api.openai.com/v1/chat", Some(("api.openai.com", 443))),
            ("http://127.0.0.1:8080/v1", Some(("127.0.0.1", 8080))),
            ("http://[::1]:9/v1", Some(("::1", 9))),
            ("http://[::1]", Some(("::1", 80))),
            ("https://key:secret@host?token=x", Some(("host", 443))),
            ("https://host#part", Some(("host", 443))),
            ("unix://host", None),
            ("http://host:port/", None),
            ("https:///path", None),
            ("nothing", None),
            ("", None),
        ] {
            assert_eq!(server(url), found, "{url}");
        }
    }
}
