//! The configuration of a branch, and patches to it.
//!
//! A configuration is never written as a whole: ops patch it, so that it can be undone, and a fork
//! at an old message has the configuration of that moment.

mod defaults;
mod settings;

use serde_json::{Map, Value};

pub use self::{
    defaults::Defaults,
    settings::{SETTINGS, SettingError, is_text},
};

/// Parameters of model calls and the identity of the branch.
///
/// `None` means "not said": the provider's default holds, and nothing is sent.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Config {
    /// The provider, by the name it is registered under.
    pub provider: Option<String>,
    /// The model, in the provider's words.
    pub model: Option<String>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling: the share of probability that is considered.
    pub top_p: Option<f64>,
    /// The most tokens an answer may have.
    pub max_tokens: Option<u32>,
    /// Texts at which the answer stops.
    pub stop: Option<Vec<String>>,
    /// Seed for sampling, where the provider has one.
    pub seed: Option<i64>,
    /// Discourages tokens that occurred at all.
    pub presence_penalty: Option<f64>,
    /// Discourages tokens by how often they occurred.
    pub frequency_penalty: Option<f64>,
    /// How much a reasoning model should think, in the provider's words.
    pub reasoning_effort: Option<String>,
    /// The JSON Schema an answer must satisfy.
    pub response_schema: Option<Value>,
    /// How many alternatives of each token are reported with their log probabilities; 0 reports
    /// the chosen tokens only.
    pub logprobs: Option<u8>,
    /// What the host program sends as; the role's name when not said.
    pub sender: Option<String>,
    /// The tools that turns offer unless they say otherwise, by name.
    pub tools: Option<Vec<String>>,
    /// Parameters that only this provider knows, sent as they are.
    pub extras: Map<String, Value>,
}

/// A setting has a value that no provider could use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}` is {found}, it must be {expected}")]
pub struct ConfigError {
    /// The name of the setting.
    pub setting: &'static str,
    /// What it is.
    pub found: String,
    /// What it must be.
    pub expected: &'static str,
}

/// What a patch does to one setting.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Change<T> {
    /// Leaves it.
    #[default]
    Keep,
    /// Takes it away, so that the default holds again.
    Clear,
    /// Sets it.
    Set(T),
}

impl<T: Clone> Change<T> {
    fn apply(&self, setting: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *setting = None,
            Self::Set(value) => *setting = Some(value.clone()),
        }
    }
}

impl<T> Change<T> {
    /// Takes the place of what `earlier` says, if it says anything.
    fn over(self, earlier: &mut Self) {
        if !self.is_keep() {
            *earlier = self;
        }
    }

    /// The value it sets.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Whether it leaves the setting.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// A change to a [`Config`]: what it does not name stays.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "each field changes the setting of the same name in `Config`")]
pub struct ConfigPatch {
    pub provider: Change<String>,
    pub model: Change<String>,
    pub temperature: Change<f64>,
    pub top_p: Change<f64>,
    pub max_tokens: Change<u32>,
    pub stop: Change<Vec<String>>,
    pub seed: Change<i64>,
    pub presence_penalty: Change<f64>,
    pub frequency_penalty: Change<f64>,
    pub reasoning_effort: Change<String>,
    pub response_schema: Change<Value>,
    pub logprobs: Change<u8>,
    pub sender: Change<String>,
    pub tools: Change<Vec<String>>,
    /// Sets the named extras; `null` takes one away.
    pub extras: Map<String, Value>,
}

impl ConfigPatch {
    /// Changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks that every value it sets can be sent.
    ///
    /// # Errors
    ///
    /// The first setting that cannot, with what it must be. The bounds are those that every
    /// provider of the OpenAI protocol shares; what only one of them refuses is left to it.
    pub fn check(&self) -> Result<(), ConfigError> {
        let numbers = [
            ("temperature", &self.temperature, 0.0..=2.0, "a number from 0 to 2"),
            ("top_p", &self.top_p, 0.0..=1.0, "a number from 0 to 1"),
            ("presence_penalty", &self.presence_penalty, -2.0..=2.0, "a number from -2 to 2"),
            ("frequency_penalty", &self.frequency_penalty, -2.0..=2.0, "a number from -2 to 2"),
        ];
        for (setting, change, range, expected) in numbers {
            if let Some(value) = change.value().filter(|value| !range.contains(*value)) {
                return Err(ConfigError { setting, found: value.to_string(), expected });
            }
        }
        if self.max_tokens.value() == Some(&0) {
            let (setting, found) = ("max_tokens", "0".to_owned());
            return Err(ConfigError { setting, found, expected: "at least 1" });
        }
        let texts =
            [("model", &self.model), ("provider", &self.provider), ("sender", &self.sender)];
        for (setting, change) in texts {
            if change.value().is_some_and(|text| text.trim().is_empty()) {
                let found = "empty".to_owned();
                return Err(ConfigError { setting, found, expected: "a name" });
            }
        }
        Ok(())
    }

    /// This patch, and what `later` says in place of it where both say something.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        later.provider.over(&mut self.provider);
        later.model.over(&mut self.model);
        later.temperature.over(&mut self.temperature);
        later.top_p.over(&mut self.top_p);
        later.max_tokens.over(&mut self.max_tokens);
        later.stop.over(&mut self.stop);
        later.seed.over(&mut self.seed);
        later.presence_penalty.over(&mut self.presence_penalty);
        later.frequency_penalty.over(&mut self.frequency_penalty);
        later.reasoning_effort.over(&mut self.reasoning_effort);
        later.response_schema.over(&mut self.response_schema);
        later.logprobs.over(&mut self.logprobs);
        later.sender.over(&mut self.sender);
        later.tools.over(&mut self.tools);
        self.extras.extend(later.extras);
        self
    }

    /// Says which model, and of which provider when that is said.
    #[must_use]
    pub fn with_model(mut self, provider: Option<String>, model: impl Into<String>) -> Self {
        if let Some(provider) = provider {
            self.provider = Change::Set(provider);
        }
        self.model = Change::Set(model.into());
        self
    }

    /// Sets [`Config::temperature`].
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = Change::Set(temperature);
        self
    }

    /// Sets [`Config::top_p`].
    #[must_use]
    pub fn with_top_p(mut self, top_p: f64) -> Self {
        self.top_p = Change::Set(top_p);
        self
    }

    /// Sets [`Config::max_tokens`].
    #[must_use]
    pub fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = Change::Set(max_tokens);
        self
    }

    /// Sets [`Config::seed`].
    #[must_use]
    pub fn with_seed(mut self, seed: i64) -> Self {
        self.seed = Change::Set(seed);
        self
    }

    /// Sets [`Config::stop`].
    #[must_use]
    pub fn with_stop<T: Into<String>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        self.stop = Change::Set(texts.into_iter().map(Into::into).collect());
        self
    }

    /// Sets [`Config::sender`].
    #[must_use]
    pub fn with_sender(mut self, sender: impl Into<String>) -> Self {
        self.sender = Change::Set(sender.into());
        self
    }

    /// Sets [`Config::tools`].
    #[must_use]
    pub fn with_tools<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.tools = Change::Set(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets a parameter that only this provider knows; `null` takes it away.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: Value) -> Self {
        self.extras.insert(name.into(), value);
        self
    }
}

impl Config {
    /// Applies `patch`.
    pub fn apply(&mut self, patch: &ConfigPatch) {
        patch.provider.apply(&mut self.provider);
        patch.model.apply(&mut self.model);
        patch.temperature.apply(&mut self.temperature);
        patch.top_p.apply(&mut self.top_p);
        patch.max_tokens.apply(&mut self.max_tokens);
        patch.stop.apply(&mut self.stop);
        patch.seed.apply(&mut self.seed);
        patch.presence_penalty.apply(&mut self.presence_penalty);
        patch.frequency_penalty.apply(&mut self.frequency_penalty);
        patch.reasoning_effort.apply(&mut self.reasoning_effort);
        patch.response_schema.apply(&mut self.response_schema);
        patch.logprobs.apply(&mut self.logprobs);
        patch.sender.apply(&mut self.sender);
        patch.tools.apply(&mut self.tools);
        for (key, value) in &patch.extras {
            if value.is_null() {
                self.extras.remove(key);
            } else {
                self.extras.insert(key.clone(), value.clone());
            }
        }
    }

    /// This configuration with `patch` applied, for one call.
    #[must_use]
    pub fn patched(&self, patch: &ConfigPatch) -> Self {
        let mut config = self.clone();
        config.apply(patch);
        config
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_sets_clears_and_keeps() {
        let mut config = Config { seed: Some(0), top_p: Some(0.5), ..Config::default() };
        config.extras.insert("top_k".to_owned(), json!(3));
        let mut patch = ConfigPatch { top_p: Change::Clear, ..ConfigPatch::default() }
            .with_model(Some("local".to_owned()), "tiny");
        patch.extras.insert("top_k".to_owned(), Value::Null);
        patch.extras.insert("mirostat".to_owned(), json!(2));
        let patched = config.patched(&patch);
        let mut expected = Config { seed: Some(0), ..Config::default() };
        expected.provider = Some("local".to_owned());
        expected.model = Some("tiny".to_owned());
        expected.extras.insert("mirostat".to_owned(), json!(2));
        assert_eq!(patched, expected);
    }

    #[test]
    fn what_a_later_patch_says_holds_and_what_it_does_not_say_stays() {
        let first = ConfigPatch::new().with_seed(1).with_temperature(0.5).with_extra("k", json!(1));
        let mut later = ConfigPatch::new().with_seed(2).with_extra("m", json!(2));
        later.temperature = Change::Clear;
        let both = first.then(later);
        assert_eq!((both.seed, both.temperature), (Change::Set(2), Change::Clear));
        assert_eq!(both.extras.len(), 2);
        let named = ConfigPatch::new().with_tools(["add"]).with_stop(["\n"]).with_sender("ada");
        let config = Config::default().patched(&named.with_top_p(1.0).with_max_tokens(9));
        assert_eq!(
            (config.tools, config.stop),
            (Some(vec!["add".into()]), Some(vec!["\n".into()]))
        );
        assert_eq!((config.sender.as_deref(), config.max_tokens), (Some("ada"), Some(9)));
    }
}
