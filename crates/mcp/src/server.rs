//! How a server is reached, and how long it is waited for.

use std::{collections::BTreeMap, fmt, time::Duration};

use branchwork_core::{secret::Secret, tool::Policy};
use reqwest::Url;

use crate::{client::McpClient, error::McpError};

/// How long a server may take until it can be used: the first start of one often fetches it.
const CONNECT_WAIT: Duration = Duration::from_mins(1);

/// How long a call may take.
const CALL_WAIT: Duration = Duration::from_mins(1);

/// Letters of a server's name, so that half of a tool's name is left for the tool.
const NAME_CHARS_MAX: usize = 32;

/// Letters from which on a value is taken for a secret: shorter ones are in every other word.
const SECRET_CHARS_MIN: usize = 4;

/// A server: how it is reached, and how long it is waited for. [`connect`](Self::connect) makes it usable.
///
/// `Debug` shows neither the arguments of its program nor the values of its environment and headers, nor
/// what a URL holds beside its address.
#[derive(Clone)]
#[must_use = "a server is used by `connect`"]
pub struct McpServer {
    pub(crate) name: String,
    pub(crate) transport: Transport,
    pub(crate) connect_wait: Duration,
    pub(crate) call_wait: Duration,
    /// Whether its tools may run.
    pub(crate) policy: Policy,
    /// What was asked for and does not go with the transport.
    misfit: Option<&'static str>,
}

/// What a server is reached by.
#[derive(Clone)]
pub(crate) enum Transport {
    /// A child process, over its standard input and output.
    Stdio { command: String, arguments: Vec<String>, environment: BTreeMap<String, String> },
    /// HTTP, as MCP streams over it.
    Http { url: String, headers: BTreeMap<String, String> },
}

impl McpServer {
    /// A server that is a child process and speaks over its standard input and output.
    ///
    /// Of our own environment it is given what finds programs, homes, languages and time zones, and nothing
    /// else: no keys. What it writes to standard error is not shown, but for the last line when it cannot be
    /// reached.
    pub fn stdio(
        name: impl Into<String>,
        command: impl Into<String>,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        let environment = BTreeMap::new();
        Self::new(name, Transport::Stdio { command: command.into(), arguments, environment })
    }

    /// A server at a URL.
    pub fn http(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(name, Transport::Http { url: url.into(), headers: BTreeMap::new() })
    }

    fn new(name: impl Into<String>, transport: Transport) -> Self {
        let (connect_wait, call_wait) = (CONNECT_WAIT, CALL_WAIT);
        let (name, policy) = (name.into(), Policy::Allow);
        Self { name, transport, connect_wait, call_wait, policy, misfit: None }
    }

    /// Gives the child process a variable of the environment.
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        match &mut self.transport {
            Transport::Stdio { environment, .. } => {
                drop(environment.insert(name.into(), value.into()));
            }
            Transport::Http { .. } => self.misfit = Some("a server at a URL has no environment"),
        }
        self
    }

    /// Sends a header with every request.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        match &mut self.transport {
            Transport::Http { headers, .. } => drop(headers.insert(name.into(), value.into())),
            Transport::Stdio { .. } => self.misfit = Some("a child process has no headers"),
        }
        self
    }

    /// Gives it this long until it can be used; a minute when it is not said.
    pub const fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_wait = limit;
        self
    }

    /// Gives each call this long; a minute when it is not said.
    pub const fn with_call_timeout(mut self, limit: Duration) -> Self {
        self.call_wait = limit;
        self
    }

    /// Lets no call of its tools run before a person approves it.
    pub fn with_approval(mut self) -> Self {
        self.policy = Policy::Ask;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is reached by, in a word: `stdio` or `http`.
    pub const fn transport(&self) -> &'static str {
        match self.transport {
            Transport::Stdio { .. } => "stdio",
            Transport::Http { .. } => "http",
        }
    }

    /// Connects, and reads which tools there are.
    ///
    /// # Errors
    ///
    /// [`McpError::BadServer`], [`McpError::NotStarted`], [`McpError::Unreachable`],
    /// [`McpError::OutOfTime`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the child process.
    pub async fn connect(self) -> Result<McpClient, McpError> {
        self.check()?;
        McpClient::connected(self).await
    }

    fn check(&self) -> Result<(), McpError> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        let is_name =
            (1..=NAME_CHARS_MAX).contains(&self.name.len()) && self.name.chars().all(plain);
        if !is_name {
            return Err(self.bad("its name must be 1 to 32 letters, digits, `_` and `-`"));
        }
        match (self.misfit, &self.transport) {
            (Some(misfit), _) => Err(self.bad(misfit)),
            (None, Transport::Stdio { command, .. }) if command.is_empty() => {
                Err(self.bad("it has no command"))
            }
            (None, Transport::Http { url, .. }) => match Url::parse(url) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
                _ => Err(self.bad("its URL does not begin with `http://` or `https://`")),
            },
            _ => Ok(()),
        }
    }

    pub(crate) fn bad(&self, problem: impl Into<String>) -> McpError {
        McpError::BadServer { server: self.name.clone(), problem: problem.into() }
    }

    /// What no text may show.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let mut values: Vec<String> = Vec::new();
        match &self.transport {
            Transport::Stdio { environment, .. } => values.extend(environment.values().cloned()),
            Transport::Http { url, headers } => {
                for value in headers.values() {
                    // `Bearer abc`: a server may say the second word alone.
                    values.extend(value.split_once(' ').map(|(_, token)| token.to_owned()));
                    values.push(value.clone());
                }
                if let Ok(url) = Url::parse(url) {
                    values.extend(url.password().map(str::to_owned));
                    values.extend(url.query().map(str::to_owned));
                    values.push(url.username().to_owned());
                }
            }
        }
        let values = values.iter().filter(|value| value.trim().len() >= SECRET_CHARS_MIN);
        values.map(Secret::new).collect()
    }
}

impl fmt::Debug for McpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("McpServer");
        debug.field("name", &self.name);
        match &self.transport {
            Transport::Stdio { command, environment, .. } => {
                debug.field("command", command).field("env", &environment.keys())
            }
            Transport::Http { url, headers } => {
                debug.field("url", &address(url)).field("headers", &headers.keys())
            }
        };
        debug.finish_non_exhaustive()
    }
}

/// A URL without what may be secret: who asks, and what for.
fn address(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "?".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let stdio = McpServer::stdio("a", "run", ["--key=argument-1"]).with_env("KEY", "value-1");
        let http = McpServer::http("b", "https://user-1:pass-1@host:1/mcp?key=query-1");
        let http = http.with_header("authorization", "Bearer token-1");
        assert_eq!(
            format!("{stdio:?} {http:?}"),
            "McpServer { name: \"a\", command: \"run\", env: [\"KEY\"], .. } \
             McpServer { name: \"b\", url: \"https://host:1/mcp\", headers: [\"authorization\"], .. }"
        );
        let said = "value-1 user-1 pass-1 key=query-1 token-1, Bearer token-1";
        let secrets = [stdio.secrets(), http.secrets()].concat();
        let shown = branchwork_core::secret::redact(said, &secrets);
        assert_eq!(shown, "*** *** *** *** ***, ***");
    }

    #[test]
    fn what_cannot_be_used_is_refused_before_anything_is_done() {
        let none: [&str; 0] = [];
        for (server, said) in [
            (McpServer::stdio("", "run", none), "its name"),
            (McpServer::stdio("a b", "run", none), "its name"),
            (McpServer::stdio("a".repeat(33), "run", none), "its name"),
            (McpServer::stdio("a", "", none), "no command"),
            (McpServer::http("a", "ftp://host"), "its URL"),
            (McpServer::http("a", "host"), "its URL"),
            (McpServer::http("a", "http://host").with_env("A", "b"), "no environment"),
            (McpServer::stdio("a", "run", none).with_header("a", "b"), "no headers"),
        ] {
            let error = server.check().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
