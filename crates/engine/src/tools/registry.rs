//! The tools of a branch, by name.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use branchwork_core::{
    config::Config,
    graph::View,
    nearest::nearest,
    tool::{Tool, ToolChoice, ToolSelection, ToolSource, ToolSpec},
};
use jsonschema::Validator;

use super::sources::Sources;
use crate::error::{Error, Result};

/// Letters of a tool's name that every provider takes.
const NAME_CHARS_MAX: usize = 64;

/// A set of tools by name. Clones share what they hold, and are changed apart.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    by_name: Arc<BTreeMap<String, Registered>>,
    sources: Sources,
}

/// A tool whose schema was found sound.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) tool: Arc<dyn Tool>,
    pub(crate) arguments: Arc<Validator>,
}

/// Why a tool cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Providers take letters, digits, `_` and `-`, 64 of them at most.
    #[error("`{name}` is no name for a tool: 1 to 64 letters, digits, `_` and `-`")]
    BadName {
        /// The name.
        name: String,
    },
    /// There is one of this name.
    #[error("there is a tool `{name}` already")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Two sources cannot have one name.
    #[error("there is a source of tools `{name}` already")]
    DuplicateSource {
        /// The name.
        name: String,
    },
    /// What describes its arguments is no JSON Schema of an object.
    #[error("the schema of `{name}` cannot be used: {problem}")]
    BadSchema {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The tools that a turn offers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offer {
    /// As the model sees them, in order of their names.
    pub(crate) specs: Vec<ToolSpec>,
    /// Those that can be run.
    pub(crate) tools: BTreeMap<String, Registered>,
}

impl Offer {
    /// Checks that the model can do what `choice` says.
    ///
    /// # Errors
    ///
    /// [`Error::BadToolChoice`].
    pub(crate) fn check(&self, choice: &ToolChoice) -> Result<()> {
        let problem = match choice {
            ToolChoice::Required if self.specs.is_empty() => "no tool is offered".to_owned(),
            ToolChoice::Named(name) if self.specs.iter().all(|spec| spec.name != *name) => {
                format!("`{name}` is not offered")
            }
            _ => return Ok(()),
        };
        Err(Error::BadToolChoice { problem })
    }
}

impl Offer {
    /// Checks that the calls of a parked turn, which are to run now, have their tools.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub(crate) fn check_has_tools(&self, view: &View) -> Result<()> {
        let open = view.open_calls().iter().filter(|call| view.noted(&call.id).is_none());
        let mut missing = open.filter(|call| !self.tools.contains_key(&call.function));
        missing.next().map_or(Ok(()), |call| {
            let nearest = nearest(&call.function, self.tools.keys().map(String::as_str));
            let (reference, nearest) = (call.function.clone(), nearest.map(str::to_owned));
            Err(Error::NotFound { what: "tool", reference, nearest })
        })
    }
}

impl Tools {
    /// Registers a tool.
    ///
    /// # Errors
    ///
    /// Each variant of [`RegisterError`]; nothing is registered then.
    pub fn register(&mut self, tool: impl Tool) -> Result<(), RegisterError> {
        let name = tool.spec().name.clone();
        if self.by_name.contains_key(&name) {
            return Err(RegisterError::Duplicate { name });
        }
        self.replace(tool)
    }

    /// Registers a tool in place of the one of its name, when there is one.
    ///
    /// # Errors
    ///
    /// [`RegisterError::BadName`], [`RegisterError::BadSchema`].
    pub fn replace(&mut self, tool: impl Tool) -> Result<(), RegisterError> {
        self.insert(Arc::new(tool))
    }

    /// Registers the tools of a source, and keeps the source: when its tools are others, they are replaced
    /// before the next turn begins.
    ///
    /// Of tools that come later, nobody is there to hear what is wrong with them: one that cannot be
    /// registered, or whose name another tool has, is left out.
    ///
    /// # Errors
    ///
    /// Each variant of [`RegisterError`]; nothing is registered then.
    pub fn register_source(&mut self, source: impl ToolSource) -> Result<(), RegisterError> {
        let name = source.name().to_owned();
        if self.sources.contains(&name) {
            return Err(RegisterError::DuplicateSource { name });
        }
        let (revision, tools) = source.tools();
        let mut registered = self.clone();
        let mut names = Vec::with_capacity(tools.len());
        for tool in tools {
            names.push(registered.insert_new(tool)?);
        }
        registered.sources.insert(Arc::new(source), revision, names);
        *self = registered;
        Ok(())
    }

    /// Takes out a source and its tools.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none of that name.
    pub fn take_source(&mut self, name: &str) -> Result<()> {
        let names = self.sources.take(name)?;
        let by_name = Arc::make_mut(&mut self.by_name);
        by_name.retain(|name, _| !names.contains(name));
        Ok(())
    }

    /// Lets the tools be those that their sources have now.
    pub(crate) fn follow_sources(&mut self) {
        for source in self.sources.changed() {
            let (revision, tools) = source.tools();
            for name in self.sources.names(source.name()) {
                Arc::make_mut(&mut self.by_name).remove(&name);
            }
            let names = tools.into_iter().filter_map(|tool| self.insert_new(tool).ok()).collect();
            self.sources.insert(source, revision, names);
        }
    }

    /// Registers a tool of a name that is free, and answers the name.
    fn insert_new(&mut self, tool: Arc<dyn Tool>) -> Result<String, RegisterError> {
        let name = tool.spec().name.clone();
        if self.contains(&name) {
            return Err(RegisterError::Duplicate { name });
        }
        self.insert(tool)?;
        Ok(name)
    }

    fn insert(&mut self, tool: Arc<dyn Tool>) -> Result<(), RegisterError> {
        let ToolSpec { name, parameters, .. } = tool.spec();
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        let name = name.clone();
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(is_plain) {
            return Err(RegisterError::BadName { name });
        }
        let bad = |problem: String| RegisterError::BadSchema { name: name.clone(), problem };
        if parameters.get("type").is_none_or(|kind| kind != "object") {
            return Err(bad("it must have `\"type\": \"object\"`".to_owned()));
        }
        let arguments = jsonschema::validator_for(parameters);
        let arguments = Arc::new(arguments.map_err(|error| bad(error.to_string()))?);
        let registered = Registered { tool, arguments };
        Arc::make_mut(&mut self.by_name).insert(name, registered);
        Ok(())
    }

    /// Registers the tool that `other` has under that name.
    pub(super) fn adopt(&mut self, name: &str, other: &Self) {
        if let Some(registered) = other.registered(name) {
            Arc::make_mut(&mut self.by_name).insert(name.to_owned(), registered.clone());
        }
    }

    /// Takes the tool of that name out.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none.
    pub fn take(&mut self, name: &str) -> Result<()> {
        if !self.contains(name) {
            return Err(self.unknown(name));
        }
        Arc::make_mut(&mut self.by_name).remove(name);
        Ok(())
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The tools as a model sees them, in order of their names.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.by_name.values().map(|registered| registered.tool.spec())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Whether there is one of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub(super) fn registered(&self, name: &str) -> Option<&Registered> {
        self.by_name.get(name)
    }

    /// What a turn offers that was asked for `selection` on a branch of that configuration.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a name that is not registered.
    pub(crate) fn offer(&self, selection: &ToolSelection, config: &Config) -> Result<Offer> {
        let names: BTreeSet<&str> = match selection {
            ToolSelection::None => BTreeSet::new(),
            ToolSelection::All => self.names().collect(),
            ToolSelection::Named(names) => names.iter().map(String::as_str).collect(),
            ToolSelection::Offered(specs) => {
                return Ok(Offer { specs: specs.clone(), tools: BTreeMap::new() });
            }
            _ => config.tools.iter().flatten().map(String::as_str).collect(),
        };
        let mut offer = Offer::default();
        for name in names {
            let registered = self.by_name.get(name).ok_or_else(|| self.unknown(name))?;
            offer.specs.push(registered.tool.spec().clone());
            offer.tools.insert(name.to_owned(), registered.clone());
        }
        Ok(offer)
    }

    /// Refuses a name that is not registered.
    pub(crate) fn check_has(&self, name: &str) -> Result<()> {
        if self.contains(name) { Ok(()) } else { Err(self.unknown(name)) }
    }

    /// The tool of that name, else that of `theirs`.
    pub(crate) fn or_from(&self, theirs: &Self, name: &str) -> Result<Registered> {
        let (own, other) = (self.by_name.get(name), theirs.by_name.get(name));
        match (own, other) {
            (Some(own), Some(other)) if !Arc::ptr_eq(&own.tool, &other.tool) => {
                Err(RegisterError::Duplicate { name: name.to_owned() }.into())
            }
            (Some(found), _) | (None, Some(found)) => Ok(found.clone()),
            (None, None) => Err(theirs.unknown(name)),
        }
    }

    /// Has these tools beside those that it has.
    pub(crate) fn adopt_all(&mut self, tools: Vec<(String, Registered)>) {
        Arc::make_mut(&mut self.by_name).extend(tools);
    }

    fn unknown(&self, name: &str) -> Error {
        let nearest = nearest(name, self.names()).map(str::to_owned);
        Error::NotFound { what: "tool", reference: name.to_owned(), nearest }
    }
}
