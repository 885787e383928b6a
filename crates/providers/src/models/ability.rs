//! What a model can do.

use std::fmt;

/// Something that models can or cannot do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ability {
    /// Calling tools.
    Tools,
    /// Calling several tools in one answer.
    ParallelTools,
    /// Answering in the shape of a JSON schema.
    Schema,
    /// Reading pictures.
    Images,
    /// Reading PDF files.
    Pdf,
    /// Listening.
    Audio,
    /// Thinking before it answers.
    Reasoning,
    /// Reading what it has read before from a cache, for less.
    Caching,
}

impl Ability {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Tools,
        Self::ParallelTools,
        Self::Schema,
        Self::Images,
        Self::Pdf,
        Self::Audio,
        Self::Reasoning,
        Self::Caching,
    ];

    /// Its name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::ParallelTools => "parallel-tools",
            Self::Schema => "schema",
            Self::Images => "images",
            Self::Pdf => "pdf",
            Self::Audio => "audio",
            Self::Reasoning => "reasoning",
            Self::Caching => "caching",
        }
    }

    /// The ability of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ability| ability.as_str() == name)
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
