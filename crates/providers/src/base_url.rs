//! Base URLs: what people type, made into one form.

use branchwork_http::is_loopback;
use reqwest::Url;

/// The text is not the base URL of a server.
///
/// It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBaseUrl {
    /// There is none.
    #[error("the base URL is missing")]
    Missing,
    /// It cannot be read as a URL.
    #[error("the base URL cannot be read: {problem}")]
    Unreadable {
        /// What is wrong with it.
        problem: String,
    },
    /// It is neither `http` nor `https`.
    #[error("the base URL begins with `{scheme}:`, expected `http:` or `https:`")]
    Scheme {
        /// What it begins with.
        scheme: String,
    },
    /// It holds a user name or a password, which would end up in logs.
    #[error("the base URL holds a user name or a password")]
    Userinfo,
    /// Something follows the path.
    #[error("the base URL has a query or a fragment")]
    QueryOrFragment,
}

/// A good base URL: no slash at its end, nothing after its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    text: String,
    /// Where the path begins in the text.
    path_at: usize,
    host_and_port: String,
    is_loopback: bool,
}

impl BaseUrl {
    /// Reads what a person typed.
    ///
    /// Without a scheme it is `http` on this machine and `https` elsewhere.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidBaseUrl::Missing);
        }
        let mut url = if text.contains("://") { read(text)? } else { read_bare(text)? };
        check(&url)?;
        // The unspecified address is where servers listen; it is no place to connect to.
        let reachable = match url.host_str() {
            Some("0.0.0.0") => Some("127.0.0.1"),
            Some("[::]") => Some("[::1]"),
            _ => None,
        };
        if let Some(host) = reachable {
            let set = url.set_host(Some(host));
            set.map_err(|error| InvalidBaseUrl::Unreadable { problem: error.to_string() })?;
        }
        Ok(Self::from_url(&url))
    }

    fn from_url(url: &Url) -> Self {
        let path = url.path().trim_end_matches('/');
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host_and_port = format!("{host}{port}");
        let mut text = format!("{}://{host_and_port}", url.scheme());
        let path_at = text.len();
        text.push_str(path);
        Self { text, path_at, host_and_port, is_loopback: is_loopback(url) }
    }

    /// The same without what belongs to an endpoint at its end; with `path` when nothing is left. With
    /// an ending that ends with a slash goes all that follows it.
    pub(crate) fn with_path(mut self, path: &str, endings: &[&str]) -> Self {
        let typed = self.text.split_off(self.path_at);
        let without = |ending: &&str| {
            if ending.ends_with('/') {
                typed.rsplit_once(ending).map(|(base, _)| base)
            } else {
                typed.strip_suffix(ending)
            }
        };
        let base = endings.iter().find_map(without).unwrap_or(&typed);
        self.text.push_str(if base.is_empty() { path } else { base });
        self
    }

    /// The text, without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, and the port unless it is the usual one.
    pub(crate) fn host_and_port(&self) -> &str {
        &self.host_and_port
    }

    /// Whether it is on this machine.
    pub(crate) const fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

fn read(text: &str) -> Result<Url, InvalidBaseUrl> {
    Url::parse(text).map_err(|error| InvalidBaseUrl::Unreadable { problem: error.to_string() })
}

/// Reads an address without a scheme.
fn read_bare(text: &str) -> Result<Url, InvalidBaseUrl> {
    let plain = read(&format!("http://{text}"))?;
    if is_loopback(&plain) { Ok(plain) } else { read(&format!("https://{text}")) }
}

fn check(url: &Url) -> Result<(), InvalidBaseUrl> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(InvalidBaseUrl::Scheme { scheme: url.scheme().to_owned() });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidBaseUrl::Userinfo);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(InvalidBaseUrl::QueryOrFragment);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_made_into_one_form() {
        for (typed, expected) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
            ("https://api.openai.com", "https://api.openai.com/v1"),
            (" HTTPS://API.openai.com:443/ ", "https://api.openai.com/v1"),
            ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
            ("https://example.com/v1/chat/completions", "https://example.com/v1"),
            ("localhost:8080", "http://localhost:8080/v1"),
            ("127.0.0.1:1234/v1/", "http://127.0.0.1:1234/v1"),
            ("[::1]:8000", "http://[::1]:8000/v1"),
            ("0.0.0.0:8000", "http://127.0.0.1:8000/v1"),
            ("http://[::]:8000/", "http://[::1]:8000/v1"),
            ("box.lan:8000", "https://box.lan:8000/v1"),
            ("http://box.lan:8000", "http://box.lan:8000/v1"),
            ("api.example.com", "https://api.example.com/v1"),
        ] {
            let parsed =
                BaseUrl::parse(typed).map(|url| url.with_path("/v1", &["/chat/completions"]));
            let parsed = parsed.map(|url| url.as_str().to_owned());
            assert_eq!(parsed.as_deref(), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn with_an_ending_that_ends_with_a_slash_goes_all_that_follows_it() {
        for (typed, expected) in [
            ("g.com", "https://g.com/v1beta"),
            ("g.com/v1beta/", "https://g.com/v1beta"),
            ("g.com/v1alpha/models", "https://g.com/v1alpha"),
            ("g.com/v1beta/models/gemini-2.5-pro:generateContent", "https://g.com/v1beta"),
            ("g.com/models/a:generateContent", "https://g.com/v1beta"),
            ("g.com/v1beta/openai/", "https://g.com/v1beta"),
            ("g.com/gateway", "https://g.com/gateway"),
        ] {
            let endings = ["/models/", "/models", "/openai"];
            let parsed = BaseUrl::parse(typed).map(|url| url.with_path("/v1beta", &endings));
            assert_eq!(parsed.as_ref().map(BaseUrl::as_str), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused_and_not_repeated() {
        let scheme = |scheme: &str| InvalidBaseUrl::Scheme { scheme: scheme.to_owned() };
        for (typed, expected) in [
            ("ftp://example.com", scheme("ftp")),
            ("file:///etc/passwd", scheme("file")),
            ("https://me:hunter2@example.com/v1", InvalidBaseUrl::Userinfo),
            ("me@example.com", InvalidBaseUrl::Userinfo),
            ("https://example.com/v1?key=hunter2", InvalidBaseUrl::QueryOrFragment),
            ("https://example.com/v1#hunter2", InvalidBaseUrl::QueryOrFragment),
        ] {
            assert_eq!(BaseUrl::parse(typed), Err(expected.clone()), "{typed}");
            assert!(!expected.to_string().contains("hunter2"));
        }
        assert_eq!(BaseUrl::parse(" "), Err(InvalidBaseUrl::Missing));
        for typed in ["http://", "http://:80", "localhost:port", "https://a b"] {
            let parsed = BaseUrl::parse(typed);
            assert!(
                matches!(parsed, Err(InvalidBaseUrl::Unreadable { .. })),
                "{typed}: {parsed:?}"
            );
        }
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        for here in ["localhost", "http://a.localhost", "127.9.9.9", "[::1]", "0.0.0.0"] {
            assert!(BaseUrl::parse(here).is_ok_and(|url| url.is_loopback()), "{here}");
        }
        for there in ["localhost.example.com", "10.0.0.1", "https://[2001:db8::1]"] {
            assert!(BaseUrl::parse(there).is_ok_and(|url| !url.is_loopback()), "{there}");
        }
    }
}
