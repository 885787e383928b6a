//! What two branches do not agree on.

use std::fmt;

use serde_json::Value;

use crate::id::MessageId;

/// Whose configuration, system message and edits hold after a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MergePolicy {
    /// Those of the target: nothing but messages comes over.
    #[default]
    Ours,
    /// Those of the branch that is merged, where it changed something.
    Theirs,
}

impl MergePolicy {
    /// The lower-case name, as files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
        }
    }
}

/// One thing that the branch that is merged changed since both were the same, and that the target has
/// otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct MergeConflict {
    /// What it is.
    pub on: ConflictOn,
    /// How both had it; `None` when they had nothing, or nobody knows.
    pub base: Option<Value>,
    /// How the target has it; `None` when it has nothing there.
    pub ours: Option<Value>,
    /// How the branch that is merged has it.
    pub theirs: Option<Value>,
    /// Whose holds.
    pub taken: MergePolicy,
}

impl MergeConflict {
    /// Whether the target changed it as well.
    pub fn is_contested(&self) -> bool {
        self.ours != self.base
    }
}

/// What two branches can have otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConflictOn {
    /// A setting, by its name; the tools on offer are `tools`.
    Setting(String),
    /// The system message, or a further one.
    System,
    /// What a message says that both have.
    Message(MessageId),
}

impl fmt::Display for ConflictOn {
    /// The setting, `system`, or the identifier of the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(name) => f.write_str(name),
            Self::System => f.write_str("system"),
            Self::Message(message) => message.fmt(f),
        }
    }
}
