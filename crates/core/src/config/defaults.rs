//! What the branches of a session begin with.

use super::{Change, Config, ConfigPatch};

/// What a new branch of a session begins with, unless it is a fork.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Defaults {
    /// Its configuration: provider, model, parameters, sender, the names of tools.
    pub config: Config,
    /// Its system message.
    pub system: Option<String>,
}

impl Defaults {
    /// Nothing: new branches are empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets new branches begin with this configuration.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Lets new branches begin with a system message.
    #[must_use]
    pub fn with_system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// Whether new branches are empty.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Config {
    /// The patch that makes an empty configuration into this one.
    pub fn to_patch(&self) -> ConfigPatch {
        fn set<T: Clone>(setting: Option<&T>) -> Change<T> {
            setting.cloned().map_or(Change::Keep, Change::Set)
        }
        ConfigPatch {
            provider: set(self.provider.as_ref()),
            model: set(self.model.as_ref()),
            temperature: set(self.temperature.as_ref()),
            top_p: set(self.top_p.as_ref()),
            max_tokens: set(self.max_tokens.as_ref()),
            stop: set(self.stop.as_ref()),
            seed: set(self.seed.as_ref()),
            presence_penalty: set(self.presence_penalty.as_ref()),
            frequency_penalty: set(self.frequency_penalty.as_ref()),
            reasoning_effort: set(self.reasoning_effort.as_ref()),
            response_schema: set(self.response_schema.as_ref()),
            logprobs: set(self.logprobs.as_ref()),
            sender: set(self.sender.as_ref()),
            tools: set(self.tools.as_ref()),
            extras: self.extras.clone(),
        }
    }
}
