//! All that is new on a branch.

use std::sync::Arc;

use super::{Edit, SettingChange, ToolsChange, edit, settings};
use crate::{
    graph::{View, in_groups},
    message::Message,
};

/// What is new in a view since an op.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delta {
    /// The messages that came and stand, in turn groups, oldest first.
    pub groups: Vec<Vec<Arc<Message>>>,
    /// What became of messages that stood before, oldest first.
    pub edits: Vec<Edit>,
    /// The settings that have another value, in order of their names; without `tools`.
    pub settings: Vec<SettingChange>,
    /// Which tools turns offer now, and no longer.
    pub tools: ToolsChange,
}

impl Delta {
    /// What is new in `view` since `base`, which it was once.
    pub fn between(base: &View, view: &View) -> Self {
        let depth = base.lineage().depth();
        let messages = view.messages_since(depth).map(Arc::clone);
        let (before, after) = (base.config(), view.config());
        Self {
            groups: in_groups(messages).collect(),
            edits: edit::between(base, view),
            settings: settings::between(before, after),
            tools: ToolsChange::between(before, after),
        }
    }

    /// The messages that came and stand, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Arc<Message>> {
        self.groups.iter().flatten()
    }

    /// Whether nothing is new.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
