//! Tools that come and go while the program runs.

use std::{fmt, sync::Arc};

use super::Tool;

/// Something that has tools of its own, and not always the same ones: a server of another process, for one.
///
/// What registers a source keeps it: whenever a turn begins, the tools are those that the source has then.
pub trait ToolSource: fmt::Debug + Send + Sync + 'static {
    /// What it is called. Two sources of one name are taken for one.
    fn name(&self) -> &str;

    /// The tools it has now, and a number that is another one whenever they are others.
    fn tools(&self) -> (u64, Vec<Arc<dyn Tool>>);

    /// That number alone: asked often, so it must be cheap.
    fn revision(&self) -> u64;
}
