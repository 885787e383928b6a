//! Which tools a turn offers.

use crate::provider::ToolSpec;

/// Which tools a turn offers to the model.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum ToolSelection {
    /// Those that the configuration of the branch names; none when it names none.
    #[default]
    Configured,
    /// None.
    None,
    /// All that are registered.
    All,
    /// These, which must be registered.
    Named(Vec<String>),
    /// These, which are not run: what the model asks for is in the reply, and each call is closed
    /// as `cancelled`.
    Offered(Vec<ToolSpec>),
}

impl From<&str> for ToolSelection {
    /// The tool of this name.
    fn from(name: &str) -> Self {
        Self::Named(vec![name.to_owned()])
    }
}

impl<const N: usize> From<[&str; N]> for ToolSelection {
    /// The tools of these names.
    fn from(names: [&str; N]) -> Self {
        Self::Named(names.map(str::to_owned).into())
    }
}

impl From<Vec<String>> for ToolSelection {
    /// The tools of these names.
    fn from(names: Vec<String>) -> Self {
        Self::Named(names)
    }
}

impl From<Vec<ToolSpec>> for ToolSelection {
    /// These, which are not run.
    fn from(specs: Vec<ToolSpec>) -> Self {
        Self::Offered(specs)
    }
}
