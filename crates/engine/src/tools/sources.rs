//! The sources of a set of tools.

use std::{collections::BTreeMap, sync::Arc};

use branchwork_core::{nearest::nearest, tool::ToolSource};

use crate::error::{Error, Result};

/// Sources by name. Clones are changed apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    by_name: BTreeMap<String, Known>,
}

/// A source, and what is known of it.
#[derive(Debug, Clone)]
struct Known {
    source: Arc<dyn ToolSource>,
    revision: u64,
    /// The names of its tools that are registered.
    names: Vec<String>,
}

impl Sources {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Those whose tools are others than is known.
    pub(super) fn changed(&self) -> Vec<Arc<dyn ToolSource>> {
        let changed =
            self.by_name.values().filter(|known| known.source.revision() != known.revision);
        changed.map(|known| Arc::clone(&known.source)).collect()
    }

    /// The tools of a source that are registered.
    pub(super) fn names(&self, source: &str) -> Vec<String> {
        self.by_name.get(source).map(|known| known.names.clone()).unwrap_or_default()
    }

    pub(super) fn insert(
        &mut self,
        source: Arc<dyn ToolSource>,
        revision: u64,
        names: Vec<String>,
    ) {
        let name = source.name().to_owned();
        drop(self.by_name.insert(name, Known { source, revision, names }));
    }

    /// Takes a source out, and answers the names of its tools.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none of that name.
    pub(super) fn take(&mut self, name: &str) -> Result<Vec<String>> {
        if let Some(known) = self.by_name.remove(name) {
            return Ok(known.names);
        }
        let nearest = nearest(name, self.by_name.keys().map(String::as_str)).map(str::to_owned);
        Err(Error::NotFound { what: "source of tools", reference: name.to_owned(), nearest })
    }
}
