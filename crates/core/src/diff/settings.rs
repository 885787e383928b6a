//! What became of the configuration.

use serde_json::Value;

use crate::config::Config;

/// The setting that [`ToolsChange`] tells of.
const TOOLS: &str = "tools";

/// A setting that has another value.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingChange {
    /// Its name.
    pub name: String,
    /// What it was; `None` when it was not set.
    pub before: Option<Value>,
    /// What it is; `None` when it is not set.
    pub after: Option<Value>,
}

impl SettingChange {
    /// The settings of which `before` and `after` have another value, in order of their names.
    pub fn between(before: &Config, after: &Config) -> Vec<Self> {
        changes(before, after)
    }
}

/// Which tools turns offer now, and no longer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolsChange {
    /// Those that came.
    pub added: Vec<String>,
    /// Those that went.
    pub removed: Vec<String>,
}

impl ToolsChange {
    /// What is new in `after`.
    pub fn between(before: &Config, after: &Config) -> Self {
        let (before, after) = (names(before), names(after));
        let only = |these: &[String], others: &[String]| {
            these.iter().filter(|name| !others.contains(name)).cloned().collect()
        };
        Self { added: only(after, before), removed: only(before, after) }
    }

    /// Whether the same ones are offered.
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// The settings of which `before` and `after` have another value, without `tools`.
pub(super) fn between(before: &Config, after: &Config) -> Vec<SettingChange> {
    let changes = changes(before, after);
    changes.into_iter().filter(|change| change.name != TOOLS).collect()
}

/// The settings of which `before` and `after` have another value, in order of their names.
pub(crate) fn changes(before: &Config, after: &Config) -> Vec<SettingChange> {
    if before == after {
        return Vec::new();
    }
    let (mut before, after) = (before.settings(), after.settings());
    let mut changes = Vec::new();
    for (name, value) in after {
        let was = before.remove(&name);
        if was.as_ref() != Some(&value) {
            changes.push(SettingChange { name, before: was, after: Some(value) });
        }
    }
    let gone = before.into_iter().map(|(name, value)| SettingChange {
        name,
        before: Some(value),
        after: None,
    });
    changes.extend(gone);
    changes.sort_by(|one, other| one.name.cmp(&other.name));
    changes
}

fn names(config: &Config) -> &[String] {
    config.tools.as_deref().unwrap_or_default()
}
