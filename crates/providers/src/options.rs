//! How an [`HttpProvider`](super::HttpProvider) is set up.

use std::{sync::Arc, time::Duration};

use branchwork_core::secret::Secret;

use crate::{
    azure::{self, is_azure},
    base_url::{BaseUrl, InvalidBaseUrl},
    dialect::{Dialect, KeyHeader},
    presets::Preset,
    protocol::Protocol,
    recording::{Cassette, Recorder},
};

/// How long a server may be silent before and between the bytes of an answer.
///
/// A model on a small machine reads a long conversation for minutes before its first word.
const IDLE_WAIT: Duration = Duration::from_mins(5);

/// How long the list of models may take.
const PROBE_WAIT: Duration = Duration::from_secs(10);

/// How an [`HttpProvider`](super::HttpProvider) is set up.
///
/// ```
/// use std::time::Duration;
///
/// use branchwork_providers::{HttpOptions, Secret};
///
/// let options = HttpOptions::chat("https://openrouter.ai/api/v1")?
///     .with_key(Secret::new("sk-or-1"))
///     .with_header("X-Title", Secret::new("my program"))
///     .with_probe_timeout(Duration::from_millis(300));
/// assert_eq!(options.base_url(), "https://openrouter.ai/api/v1");
/// # Ok::<(), branchwork_providers::InvalidBaseUrl>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpOptions {
    pub(super) base_url: BaseUrl,
    pub(super) key: Option<Secret>,
    pub(super) protocol: Protocol,
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) connect_wait: Option<Duration>,
    pub(super) idle_wait: Duration,
    pub(super) probe_wait: Duration,
    pub(super) recorder: Option<Arc<dyn Recorder>>,
    pub(super) cassette: Option<Arc<Cassette>>,
}

impl HttpOptions {
    /// A server of `protocol`, by what a person would type.
    ///
    /// `localhost:8080`, `api.example.com` and `https://example.com/v1/` are all understood, with or
    /// without the version and the path of the endpoint. On the hosts of Azure the key goes in the header
    /// that Azure wants.
    ///
    /// # Errors
    ///
    /// [`InvalidBaseUrl`] when it is no address of an HTTP server, or holds a password.
    pub fn new(protocol: Protocol, base_url: &str) -> Result<Self, InvalidBaseUrl> {
        let base_url = BaseUrl::parse(&protocol.completed(base_url))?;
        let is_azure = protocol.is_of_openai() && is_azure(base_url.host_and_port());
        let (path, endings) = if is_azure { azure::PATHS } else { protocol.paths() };
        Ok(Self {
            base_url: base_url.with_path(path, endings),
            key: None,
            protocol: if is_azure { protocol.with_key_header(KeyHeader::ApiKey) } else { protocol },
            headers: Vec::new(),
            connect_wait: None,
            idle_wait: IDLE_WAIT,
            probe_wait: PROBE_WAIT,
            recorder: None,
            cassette: None,
        })
    }

    /// A server of the OpenAI Chat Completions protocol, in the dialect of the
    /// [preset](crate::presets) with this host and port, or the common one.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn chat(base_url: &str) -> Result<Self, InvalidBaseUrl> {
        let mut options = Self::new(Protocol::Chat(Dialect::COMMON), base_url)?;
        options.protocol = Protocol::Chat(Dialect::at(options.base_url.host_and_port()));
        Ok(options)
    }

    /// A server of the OpenAI Responses protocol.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    ///
    /// ```
    /// use branchwork_providers::HttpOptions;
    ///
    /// let options = HttpOptions::responses("https://myresource.openai.azure.com")?;
    /// assert_eq!(options.base_url(), "https://myresource.openai.azure.com/openai/v1");
    /// # Ok::<(), branchwork_providers::InvalidBaseUrl>(())
    /// ```
    pub fn responses(base_url: &str) -> Result<Self, InvalidBaseUrl> {
        Self::new(Protocol::Responses(KeyHeader::Bearer), base_url)
    }

    /// A server of the Anthropic Messages protocol.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn anthropic(base_url: &str) -> Result<Self, InvalidBaseUrl> {
        Self::new(Protocol::Anthropic, base_url)
    }

    /// A server of the Gemini protocol: `https://generativelanguage.googleapis.com` and what stands in
    /// for it.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn gemini(base_url: &str) -> Result<Self, InvalidBaseUrl> {
        Self::new(Protocol::Gemini, base_url)
    }

    /// A server of Ollama's own protocol, in every form that `OLLAMA_HOST` takes: `0.0.0.0`, `:11434`,
    /// `box.lan`, `https://ollama.com`; with or without `/api`.
    ///
    /// Without a scheme it is `http` and, unless another is given, the port 11434, also elsewhere than
    /// on this machine.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn ollama(base_url: &str) -> Result<Self, InvalidBaseUrl> {
        Self::new(Protocol::Ollama, base_url)
    }

    /// A known server.
    ///
    /// # Errors
    ///
    /// [`InvalidBaseUrl::Missing`] for a server whose address is the user's own
    /// ([`Preset::base_url_variable`]); else none, unless its address was changed.
    pub fn from_preset(preset: &Preset) -> Result<Self, InvalidBaseUrl> {
        Self::new(preset.protocol, preset.base_url)
    }

    /// Sends `key`, as the protocol wants it. An empty key is no key.
    #[must_use]
    pub fn with_key(mut self, key: Secret) -> Self {
        self.key = Some(key).filter(|key| !key.is_empty());
        self
    }

    /// Sends one more header with every request. Its value is treated as a secret, and taken out of answers
    /// and errors, unless the header is one that never holds any, such as `anthropic-beta` and `user-agent`.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    /// Gives up when the connection takes longer than `wait` to come about, name lookup and TLS included;
    /// ten seconds when not said.
    #[must_use]
    pub const fn with_connect_timeout(mut self, wait: Duration) -> Self {
        self.connect_wait = Some(wait);
        self
    }

    /// Gives up when the server is silent for `wait`, before or between bytes; five minutes when
    /// not said.
    #[must_use]
    pub const fn with_idle_timeout(mut self, wait: Duration) -> Self {
        self.idle_wait = wait;
        self
    }

    /// Gives up when the list of models takes longer than `wait`; ten seconds when not said.
    #[must_use]
    pub const fn with_probe_timeout(mut self, wait: Duration) -> Self {
        self.probe_wait = wait;
        self
    }

    /// Tells `recorder` of everything that goes over the wire, without keys. Nothing is gathered when
    /// there is none.
    #[must_use]
    pub fn with_recorder(mut self, recorder: Arc<dyn Recorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Answers from a recording, in place of the network. What it does not hold is refused.
    #[must_use]
    pub fn with_cassette(mut self, cassette: Arc<Cassette>) -> Self {
        self.cassette = Some(cassette);
        self
    }

    /// The base URL as it is used: with a scheme and a path, without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.base_url.as_str()
    }

    /// How the server is talked to.
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_anthropic_is_the_same_with_and_without_the_endpoint() {
        for (typed, expected) in [
            ("https://api.anthropic.com", "https://api.anthropic.com"),
            ("api.anthropic.com/", "https://api.anthropic.com"),
            ("https://api.anthropic.com/v1", "https://api.anthropic.com"),
            ("https://api.anthropic.com/v1/messages/", "https://api.anthropic.com"),
            ("https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic"),
            ("https://example.com/anthropic/v1", "https://example.com/anthropic"),
            ("localhost:8080", "http://localhost:8080"),
        ] {
            let options = HttpOptions::anthropic(typed).expect("a good address");
            assert_eq!(options.base_url(), expected, "{typed}");
            assert_eq!(options.protocol(), Protocol::Anthropic);
        }
    }
}
