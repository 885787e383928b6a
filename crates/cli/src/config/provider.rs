//! `[providers.NAME]`: servers beside the known ones, and what differs of those.

use std::{collections::BTreeMap, path::PathBuf};

use branchwork::providers::Protocol;
use toml_edit::Item;

use super::{
    resilience::{CALLS, read},
    string, table, unknown,
};
use crate::args::Resilience;

/// A server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProviderConfig {
    /// Where it is.
    pub(crate) base_url: Option<String>,
    /// How it is talked to.
    pub(crate) protocol: Option<Protocol>,
    /// The environment variable that holds its key.
    pub(crate) key_env: Option<String>,
    /// The file that holds its key and nothing else.
    pub(crate) key_file: Option<PathBuf>,
    /// How its calls are made.
    pub(crate) resilience: Resilience,
}

/// What the table of a provider may hold, beside how its calls are made.
const KEYS: [&str; 4] = ["base_url", "protocol", "key_env", "key_file"];

/// Letters from which on a variable's name in small letters is taken for a key.
const KEY_CHARS_MIN: usize = 20;

/// What is said to who writes a key into the file.
const KEPT: &str =
    "`branchwork keys set NAME` keeps one, `key_env` and `key_file` say where one is";

/// Reads the tables.
pub(super) fn providers(item: &Item) -> Result<BTreeMap<String, ProviderConfig>, String> {
    let mut providers = BTreeMap::new();
    for (name, item) in table("providers", item)?.iter() {
        let mut provider = ProviderConfig::default();
        for (key, item) in table(name, item)?.iter() {
            match key {
                "base_url" => provider.base_url = Some(string(key, item)?),
                "protocol" => provider.protocol = Some(protocol(name, item)?),
                "key_env" => provider.key_env = Some(variable(name, item)?),
                "key_file" => provider.key_file = Some(string(key, item)?.into()),
                "key" | "api_key" => {
                    return Err(format!("`providers.{name}.{key}`: a key is no setting; {KEPT}"));
                }
                _ if read(&mut provider.resilience, (name, key), item)? => {}
                _ => return Err(unknown_field(key)),
            }
        }
        providers.insert(name.to_owned(), provider);
    }
    Ok(providers)
}

/// That there is no such field.
fn unknown_field(key: &str) -> String {
    let calls = CALLS.iter().map(|(key, _)| *key);
    unknown(key, &KEYS.into_iter().chain(calls).collect::<Vec<_>>())
}

/// A protocol, by its name.
fn protocol(provider: &str, item: &Item) -> Result<Protocol, String> {
    let name = string("protocol", item)?;
    Protocol::from_name(&name).ok_or_else(|| {
        let names: Vec<_> = Protocol::ALL.into_iter().map(Protocol::as_str).collect();
        format!("`providers.{provider}.protocol` is `{name}`; there are {}", names.join(", "))
    })
}

/// The name of a variable. A key that stands in its place is not repeated.
fn variable(provider: &str, item: &Item) -> Result<String, String> {
    let name = string("key_env", item)?;
    let letters = !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let is_key = name.len() >= KEY_CHARS_MIN && name.contains(|letter: char| letter.is_lowercase());
    if letters && !is_key && !name.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(name);
    }
    Err(format!("`providers.{provider}.key_env` must be the name of a variable, no key; {KEPT}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{super::Config, Protocol};

    #[test]
    fn servers_are_read() {
        let text = "[providers.lab]\nbase_url = 'lab:1'\nkey_file = '/k'\nkey_env = 'My_1'\n";
        let lab = &Config::parse(text).unwrap().providers["lab"];
        assert_eq!(lab.base_url.as_deref(), Some("lab:1"));
        assert_eq!(lab.key_env.as_deref(), Some("My_1"));
        assert_eq!(lab.key_file.as_deref(), Some(Path::new("/k")));
    }

    #[test]
    fn a_protocol_is_named_as_there_is_one() {
        let parse = |name: &str| Config::parse(&format!("[providers.lab]\nprotocol = '{name}'"));
        let lab = &parse("gemini").unwrap().providers["lab"];
        assert_eq!(lab.protocol.map(Protocol::as_str), Some("gemini"));
        let error = parse("smoke").unwrap_err();
        assert!(error.contains("is `smoke`; there are chat, "), "{error}");
    }

    #[test]
    fn a_key_that_stands_in_the_file_is_refused_and_not_shown() {
        for (fields, said) in [
            ("key_env = 'sk-planted'", "must be the name of a variable"),
            ("key_env = 'gsk_planted0123456789'", "must be the name of a variable"),
            ("key_env = ''", "must be the name of a variable"),
            ("key = 'sk-planted'", "`branchwork keys set NAME`"),
            ("key-file = 'sk-planted'", "did you mean `key_file`?"),
        ] {
            let error = Config::parse(&format!("[providers.lab]\n{fields}")).unwrap_err();
            assert!(error.contains(said) && !error.contains("planted"), "{error}");
        }
    }
}
