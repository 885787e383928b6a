//! The configuration file: read with care, written without losing its comments.

mod budget;
mod edit;
mod mcp;
mod prices;
mod provider;
mod resilience;

use std::{collections::BTreeMap, fs, io::ErrorKind, path::PathBuf, time::Duration};

use branchwork::core::{nearest::nearest, provider::Prices};
use toml_edit::{DocumentMut, Item, TableLike, TomlError};

pub(crate) use self::{
    budget::BUDGET,
    edit::{get, set},
    mcp::{McpServerConfig, Reach},
    prices::PricedModel,
    provider::ProviderConfig,
    resilience::{CALLS, said},
};
use crate::{
    args::BudgetArgs,
    calls::Other,
    exit::{Code, Failure},
    paths,
};

/// The settings of the configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// The model that is asked when none is said.
    pub(crate) model: Option<String>,
    /// Names for models.
    pub(crate) aliases: BTreeMap<String, String>,
    /// Servers beside the known ones, and other addresses for those.
    pub(crate) providers: BTreeMap<String, ProviderConfig>,
    /// MCP servers.
    pub(crate) mcp_servers: BTreeMap<String, McpServerConfig>,
    /// What models cost, whatever the table says.
    pub(crate) prices: BTreeMap<PricedModel, Prices>,
    /// What calls may use together.
    pub(crate) budget: BudgetArgs,
}

/// Every setting that is one text, with what it is for.
pub(crate) const SETTINGS: [(&str, &str); 8] = [
    ("model", "the model that is asked when none is said: `provider:model`"),
    ("aliases.NAME", "a name for a model, for `-m NAME`"),
    ("providers.NAME.base_url", "the URL of a server"),
    ("providers.NAME.key_env", "the environment variable that holds its key"),
    (
        "providers.NAME.protocol",
        "how it is talked to: `chat`, `responses`, `anthropic`, `gemini`, `ollama`",
    ),
    (
        "providers.NAME.key_file",
        "a file that holds its key and nothing else, which only its owner can read; from the folder of this file, or `~/…`",
    ),
    ("mcp-servers.NAME.command", "the program of an MCP server"),
    ("mcp-servers.NAME.url", "the URL of an MCP server, in place of a program"),
];

/// Settings that are written into the file by hand.
pub(crate) const BY_HAND: [(&str, &str); 6] = [
    ("mcp-servers.NAME.args", "the arguments of the program: `[\"mcp-server-time\"]`"),
    (
        "mcp-servers.NAME.env",
        "variables for the program: `{ TOKEN = \"env:TOKEN\" }` hands ours on",
    ),
    ("mcp-servers.NAME.headers", "headers: `{ authorization = \"Bearer env:TOKEN\" }`"),
    ("mcp-servers.NAME.timeout", "seconds that it may take to connect, and for each call; 60"),
    (
        "prices.\"PROVIDER:MODEL\".input, output",
        "what a model costs, whatever the table says: US dollars for a million tokens",
    ),
    (
        "prices.\"PROVIDER:MODEL\".cached, cache_write",
        "the same of tokens that a cache gave, and of those it keeps",
    ),
];

/// The tables and values of the file.
const KEYS: [&str; 6] = ["model", "aliases", "providers", "mcp-servers", "prices", "budget"];

impl Config {
    /// Reads the file; no file is no settings.
    pub(crate) fn read() -> Result<Self, Failure> {
        let Ok(path) = paths::config_file() else { return Ok(Self::default()) };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(bad(&path, &error.to_string())),
        };
        Self::parse(&text).map_err(|problem| bad(&path, &problem))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document: DocumentMut =
            text.parse().map_err(|error: TomlError| problem(text, &error))?;
        let mut config = Self::default();
        for (key, item) in document.iter() {
            match key {
                "model" => config.model = Some(string(key, item)?),
                "aliases" => config.aliases = strings(key, item)?,
                "providers" => config.providers = provider::providers(item)?,
                "mcp-servers" => config.mcp_servers = mcp::servers(item)?,
                "prices" => config.prices = prices::prices(item)?,
                "budget" => config.budget = budget::budget(item)?,
                _ => return Err(unknown(key, &KEYS)),
            }
        }
        config.check_fallbacks()?;
        Ok(config)
    }

    /// Refuses to fall back to what is not there.
    fn check_fallbacks(&self) -> Result<(), String> {
        let all = self.providers.iter();
        all.flat_map(|(name, own)| own.resilience.fallbacks.iter().map(move |other| (name, other)))
            .try_for_each(|(name, other)| {
                let problem = |problem| format!("`providers.{name}.fallbacks`: {problem}");
                Other::parse(self, name, other).map(drop).map_err(problem)
            })
    }
}

fn bad(path: &std::path::Path, problem: &str) -> Failure {
    let message = format!("the configuration file {} is wrong: {problem}", path.display());
    Failure::new(Code::Usage, message).with_hint("correct it, or take it away")
}

/// What is wrong with `text`, and in which line. The line itself is not shown: it may hold a secret.
pub(crate) fn problem(text: &str, error: &TomlError) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

fn unknown(key: &str, known: &[&str]) -> String {
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("there is no setting `{key}`; did you mean `{near}`?"),
        None => format!("there is no setting `{key}`; there are {}", known.join(", ")),
    }
}

fn string(key: &str, item: &Item) -> Result<String, String> {
    item.as_str().map(str::to_owned).ok_or_else(|| format!("`{key}` must be a text"))
}

fn table<'a>(key: &str, item: &'a Item) -> Result<&'a dyn TableLike, String> {
    item.as_table_like().ok_or_else(|| format!("`{key}` must be a table"))
}

fn strings(key: &str, item: &Item) -> Result<BTreeMap<String, String>, String> {
    let entries = table(key, item)?.iter();
    entries.map(|(name, item)| Ok((name.to_owned(), string(name, item)?))).collect()
}

fn list(key: &str, item: &Item) -> Result<Vec<String>, String> {
    let wanted = || format!("`{key}` must be a list of texts");
    let items = item.as_array().ok_or_else(wanted)?.iter();
    items.map(|item| item.as_str().map(str::to_owned).ok_or_else(wanted)).collect()
}

fn seconds(key: &str, item: &Item) -> Result<Duration, String> {
    let number = match item.as_integer() {
        Some(whole) => u32::try_from(whole).ok().map(f64::from),
        None => item.as_float(),
    };
    let duration = number.and_then(|number| Duration::try_from_secs_f64(number).ok());
    let duration = duration.filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| format!("`{key}` must be seconds, more than 0"))
}

/// The text of the file, empty when there is none, and where it is.
fn file() -> Result<(PathBuf, String), Failure> {
    let path = paths::config_file()?;
    match fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((path, String::new())),
        Err(error) => Err(bad(&path, &error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_anything_else_is_refused() {
        let text = "model = 'a'\n[aliases]\nfast = 'groq:x'\n[providers.lab]\nbase_url = 'lab:1'\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.model.as_deref(), Some("a"));
        assert_eq!(config.aliases["fast"], "groq:x");
        assert_eq!(config.providers["lab"].base_url.as_deref(), Some("lab:1"));
        for text in ["modle = 'a'", "model = 1", "aliases = 3", "[providers.x]\nkey = 'k'", "="] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_line_that_is_wrong_is_named_and_not_shown() {
        let error = Config::parse("[mcp-servers.s.env]\n\nKEY = sk-planted").unwrap_err();
        assert!(error.starts_with("line 3: string values must be quoted"), "{error}");
        assert!(!error.contains("planted"), "{error}");
    }
}
