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
        fn set<T: Clone>(setting: &Option<T>) -> Change<T> {
            setting.clone().map_or(Change::Keep, Change::Set)
        }
        ConfigPatch {
            provider: set(&self.provider),
            model: set(&self.model),
            temperature: set(&self.temperature),
            top_p: set(&self.top_p),
            max_tokens: set(&self.max_tokens),
            stop: set(&self.stop),
            seed: set(&self.seed),
            presence_penalty: set(&self.presence_penalty),
            frequency_penalty: set(&self.frequency_penalty),
            reasoning_effort: set(&self.reasoning_effort),
            response_schema: set(&self.response_schema),
            logprobs: set(&self.logprobs),
            sender: set(&self.sender),
            tools: set(&self.tools),
            extras: self.extras.clone(),
        }
    }
}
