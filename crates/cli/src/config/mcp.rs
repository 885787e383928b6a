//! `[mcp-servers.NAME]`: the MCP servers of the configuration file.

use std::{collections::BTreeMap, time::Duration};

use toml_edit::Item;

use super::{list, seconds, string, strings, table, unknown};

/// An MCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct McpServerConfig {
    pub(crate) reach: Reach,
    /// How long it may take to connect, and each call.
    pub(crate) timeout: Option<Duration>,
    /// Whether a person is asked before one of its tools runs.
    pub(crate) asks: bool,
}

/// How a server is reached. Values may hold `env:NAME` in place of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    Command { command: String, args: Vec<String>, env: BTreeMap<String, String> },
    Url { url: String, headers: BTreeMap<String, String> },
}

/// What a table may hold.
const KEYS: [&str; 7] = ["command", "args", "env", "url", "headers", "timeout", "approve"];

/// What of it goes with a command only, and with a URL only.
const OF_COMMAND: [&str; 2] = ["args", "env"];
const OF_URL: [&str; 1] = ["headers"];

/// Reads the tables.
pub(super) fn servers(item: &Item) -> Result<BTreeMap<String, McpServerConfig>, String> {
    let servers = table("mcp-servers", item)?.iter();
    servers.map(|(name, item)| Ok((name.to_owned(), server(name, item)?))).collect()
}

fn server(name: &str, item: &Item) -> Result<McpServerConfig, String> {
    let path = format!("mcp-servers.{name}");
    let fields = table(&path, item)?;
    if let Some((key, _)) = fields.iter().find(|(key, _)| !KEYS.contains(key)) {
        return Err(format!("`{path}`: {}", unknown(key, &KEYS)));
    }
    let stray = |keys: &[&'static str]| keys.iter().find(|key| fields.contains_key(key)).copied();
    let field = |key: &str| fields.get(key).map(|item| (format!("{path}.{key}"), item));
    let map = |key| field(key).map(|(path, item)| strings(&path, item)).transpose();
    let reach = match (field("command"), field("url")) {
        (Some((path, command)), None) => match stray(&OF_URL) {
            Some(key) => return Err(format!("`{path}` and `{key}` do not go together")),
            None => Reach::Command {
                command: string(&path, command)?,
                args: field("args")
                    .map(|(path, item)| list(&path, item))
                    .transpose()?
                    .unwrap_or_default(),
                env: map("env")?.unwrap_or_default(),
            },
        },
        (None, Some((path, url))) => match stray(&OF_COMMAND) {
            Some(key) => return Err(format!("`{path}` and `{key}` do not go together")),
            None => Reach::Url {
                url: string(&path, url)?,
                headers: map("headers")?.unwrap_or_default(),
            },
        },
        (Some(_), Some(_)) => return Err(format!("`{path}` has both `command` and `url`")),
        (None, None) => return Err(format!("`{path}` has neither `command` nor `url`")),
    };
    let timeout = field("timeout").map(|(path, item)| seconds(&path, item)).transpose()?;
    let asks = field("approve").map(|(path, item)| approve(&path, item)).transpose()?;
    Ok(McpServerConfig { reach, timeout, asks: asks.unwrap_or_default() })
}

/// Whether a person is asked.
fn approve(key: &str, item: &Item) -> Result<bool, String> {
    match item.as_str() {
        Some("ask") => Ok(true),
        Some("allow") => Ok(false),
        _ => Err(format!("`{key}` must be \"ask\" or \"allow\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[test]
    fn servers_are_read_and_what_is_wrong_is_named() {
        let text = "[mcp-servers.time]\ncommand = 'uvx'\nargs = ['a']\nenv = { K = 'env:K' }\n\
                    timeout = 1.5\napprove = 'ask'\n[mcp-servers.wiki]\nurl = 'http://w'\nheaders = { a = 'b' }\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.mcp_servers.keys().collect::<Vec<_>>(), ["time", "wiki"]);
        assert_eq!(config.mcp_servers["time"].timeout.unwrap().as_millis(), 1_500);
        assert!(config.mcp_servers["time"].asks && !config.mcp_servers["wiki"].asks);
        for (fields, said) in [
            ("comand = 'x'", "did you mean `command`?"),
            ("args = ['x']", "neither `command` nor `url`"),
            ("command = 'x'\nurl = 'http://w'", "both `command` and `url`"),
            ("command = 'x'\nheaders = { a = 'b' }", "`headers` do not go together"),
            ("url = 'http://w'\nenv = { a = 'b' }", "`env` do not go together"),
            ("command = 'x'\nargs = 'a'", "`mcp-servers.s.args` must be a list of texts"),
            ("command = 'x'\nenv = { a = 1 }", "must be a text"),
            ("command = 'x'\ntimeout = 0", "must be seconds"),
            ("command = 'x'\ntimeout = '5'", "must be seconds"),
            ("command = 'x'\napprove = 'deny'", "must be \"ask\" or \"allow\""),
        ] {
            let error = Config::parse(&format!("[mcp-servers.s]\n{fields}\n")).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
