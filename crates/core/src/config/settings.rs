//! Settings by their names, for command lines, files and servers.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{Change, Config, ConfigPatch};
use crate::nearest::nearest;

/// Before the name of a parameter that only one provider knows.
const EXTRAS: &str = "extras.";

/// The names of the settings. Parameters that only a provider knows are `extras.NAME`.
pub const SETTINGS: [&str; 14] = [
    "provider",
    "model",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
    "response_schema",
    "logprobs",
    "sender",
    "tools",
];

/// Why a setting cannot be set or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// There is no setting of this name.
    #[error("there is no setting `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The nearest one there is.
        nearest: Option<&'static str>,
    },
    /// The value is of another kind.
    #[error("`{name}` must be {expected}")]
    WrongKind {
        /// The name.
        name: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// Whether the setting of this name is a text, so that a person need not quote it.
pub fn is_text(name: &str) -> bool {
    matches!(name, "provider" | "model" | "reasoning_effort" | "sender")
}

impl ConfigPatch {
    /// Sets the setting `name`; `null` takes it away.
    ///
    /// # Errors
    ///
    /// [`SettingError`].
    ///
    /// ```
    /// use branchwork_core::config::{ConfigPatch, SettingError};
    ///
    /// let patch = ConfigPatch::default().with_setting("temperature", 0.5.into())?;
    /// let typo = patch.with_setting("max_token", 50.into()).unwrap_err();
    /// assert!(matches!(typo, SettingError::Unknown { nearest: Some("max_tokens"), .. }));
    /// # Ok::<_, SettingError>(())
    /// ```
    pub fn with_setting(mut self, name: &str, value: Value) -> Result<Self, SettingError> {
        if let Some(extra) = name.strip_prefix(EXTRAS).filter(|extra| !extra.is_empty()) {
            self.extras.insert(extra.to_owned(), value);
            return Ok(self);
        }
        match name {
            "provider" => self.provider = change(name, value, "a text")?,
            "model" => self.model = change(name, value, "a text")?,
            "temperature" => self.temperature = change(name, value, "a number")?,
            "top_p" => self.top_p = change(name, value, "a number")?,
            "max_tokens" => self.max_tokens = change(name, value, "a whole number")?,
            "stop" => self.stop = change(name, value, "a list of texts")?,
            "seed" => self.seed = change(name, value, "a whole number")?,
            "presence_penalty" => self.presence_penalty = change(name, value, "a number")?,
            "frequency_penalty" => self.frequency_penalty = change(name, value, "a number")?,
            "reasoning_effort" => self.reasoning_effort = change(name, value, "a text")?,
            "response_schema" => self.response_schema = change(name, value, "a JSON Schema")?,
            "logprobs" => self.logprobs = change(name, value, "a whole number from 0 to 255")?,
            "sender" => self.sender = change(name, value, "a text")?,
            "tools" => self.tools = change(name, value, "a list of names")?,
            _ => return Err(unknown(name)),
        }
        Ok(self)
    }

    /// Every setting that it changes, by name; `null` for one that it takes away.
    pub fn settings(&self) -> Map<String, Value> {
        let all = [
            ("provider", changed(&self.provider)),
            ("model", changed(&self.model)),
            ("temperature", changed(&self.temperature)),
            ("top_p", changed(&self.top_p)),
            ("max_tokens", changed(&self.max_tokens)),
            ("stop", changed(&self.stop)),
            ("seed", changed(&self.seed)),
            ("presence_penalty", changed(&self.presence_penalty)),
            ("frequency_penalty", changed(&self.frequency_penalty)),
            ("reasoning_effort", changed(&self.reasoning_effort)),
            ("response_schema", changed(&self.response_schema)),
            ("logprobs", changed(&self.logprobs)),
            ("sender", changed(&self.sender)),
            ("tools", changed(&self.tools)),
        ];
        let own = all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let extras =
            self.extras.iter().map(|(key, value)| (format!("{EXTRAS}{key}"), value.clone()));
        own.chain(extras).collect()
    }
}

impl Config {
    /// The setting `name`; `None` when it is not set.
    ///
    /// # Errors
    ///
    /// [`SettingError::Unknown`].
    pub fn setting(&self, name: &str) -> Result<Option<Value>, SettingError> {
        if let Some(extra) = name.strip_prefix(EXTRAS) {
            return Ok(self.extras.get(extra).cloned());
        }
        if SETTINGS.contains(&name) {
            Ok(self.settings().get(name).cloned())
        } else {
            Err(unknown(name))
        }
    }

    /// Every setting that is set, by name.
    pub fn settings(&self) -> Map<String, Value> {
        let all = json!({
            "provider": self.provider,
            "model": self.model,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "stop": self.stop,
            "seed": self.seed,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "reasoning_effort": self.reasoning_effort,
            "response_schema": self.response_schema,
            "logprobs": self.logprobs,
            "sender": self.sender,
            "tools": self.tools,
        });
        let own = match all {
            Value::Object(settings) => settings.into_iter().filter(|(_, value)| !value.is_null()),
            _ => unreachable!("BUG: it was written as an object"),
        };
        let extras =
            self.extras.iter().map(|(key, value)| (format!("{EXTRAS}{key}"), value.clone()));
        own.chain(extras).collect()
    }
}

fn change<T: DeserializeOwned>(
    name: &str,
    value: Value,
    expected: &'static str,
) -> Result<Change<T>, SettingError> {
    if value.is_null() {
        return Ok(Change::Clear);
    }
    let wrong = |_json| SettingError::WrongKind { name: name.to_owned(), expected };
    serde_json::from_value(value).map(Change::Set).map_err(wrong)
}

/// What a setting becomes; `None` when it stays.
fn changed<T: Serialize>(change: &Change<T>) -> Option<Value> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(Value::Null),
        Change::Set(value) => Some(json!(value)),
    }
}

fn unknown(name: &str) -> SettingError {
    SettingError::Unknown { name: name.to_owned(), nearest: nearest(name, SETTINGS.into_iter()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_by_name_is_read_by_name() {
        let values = [
            ("provider", json!("local")),
            ("model", json!("tiny")),
            ("temperature", json!(0.5)),
            ("top_p", json!(0.25)),
            ("max_tokens", json!(9)),
            ("stop", json!(["\n"])),
            ("seed", json!(0)),
            ("presence_penalty", json!(-1.5)),
            ("frequency_penalty", json!(1.5)),
            ("reasoning_effort", json!("low")),
            ("response_schema", json!({ "type": "object" })),
            ("logprobs", json!(0)),
            ("sender", json!("ada")),
            ("tools", json!(["add"])),
            ("extras.top_k", json!(40)),
        ];
        assert!(SETTINGS.iter().all(|name| values.iter().any(|(set, _)| set == name)));
        let mut config = Config::default();
        for (name, value) in &values {
            let patch = ConfigPatch::default().with_setting(name, value.clone()).unwrap();
            config.apply(&patch);
            assert_eq!(config.setting(name).unwrap().as_ref(), Some(value), "{name}");
        }
        assert_eq!(config.settings().len(), values.len());
        assert_eq!(Config::default().patched(&config.to_patch()), config);
        for (name, _) in &values {
            config.apply(&ConfigPatch::default().with_setting(name, Value::Null).unwrap());
        }
        assert_eq!(config, Config::default());
    }

    #[test]
    fn what_a_patch_changes_is_read_by_name() {
        let settings = [
            ("model", json!("tiny")),
            ("temperature", Value::Null),
            ("stop", json!(["\n"])),
            ("extras.top_k", json!(40)),
            ("extras.mirostat", Value::Null),
        ];
        let mut patch = ConfigPatch::default();
        for (name, value) in &settings {
            patch = patch.with_setting(name, value.clone()).unwrap();
        }
        let expected = settings.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(patch.settings(), Map::from_iter(expected));
        assert!(ConfigPatch::default().settings().is_empty());
    }

    #[test]
    fn what_is_wrong_says_what_would_be_right() {
        let error = |name: &str, value| {
            ConfigPatch::default().with_setting(name, value).unwrap_err().to_string()
        };
        assert_eq!(error("extras.", json!(1)), "there is no setting `extras.`");
        assert_eq!(error("seed", json!("x")), "`seed` must be a whole number");
        assert_eq!(
            error("logprobs", json!(256)),
            "`logprobs` must be a whole number from 0 to 255"
        );
        assert!(Config::default().setting("colour").is_err());
    }
}
