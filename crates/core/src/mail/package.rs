//! What is in a mail.

use std::{fmt, sync::Arc};

use serde_json::Value;

use crate::{
    config::{ConfigError, ConfigPatch},
    limits,
    message::{Body, DraftError, Message, check_body, check_name, depth_within},
};

/// What is in a mail.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Package {
    /// Messages of the sender, as they stood, in their order; turn groups as a whole. They are appended.
    Messages(Vec<Arc<Message>>),
    /// Tools that the sender has, by the names they are registered under. The recipient has them then.
    Tools(Vec<String>),
    /// A provider, by the name it is registered under. The recipient asks it then.
    Provider(String),
    /// A change of the configuration. The recipient is configured so then.
    ModelConfig(Box<ConfigPatch>),
    /// A text. It is appended as an instruction.
    Text(String),
    /// Data. It is appended as the context of an instruction.
    Data(Value),
    /// Something that the programs know how to read. It changes nothing.
    Signal(String),
}

/// The kind of a [`Package`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Category {
    /// See [`Package::Messages`].
    Messages,
    /// See [`Package::Tools`].
    Tools,
    /// See [`Package::Provider`].
    Provider,
    /// See [`Package::ModelConfig`].
    ModelConfig,
    /// See [`Package::Text`].
    Text,
    /// See [`Package::Data`].
    Data,
    /// See [`Package::Signal`].
    Signal,
}

/// Why a package cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// It holds nothing.
    #[error("a mail of category `{category}` holds at least one {what}")]
    Empty {
        /// Its category.
        category: Category,
        /// What it should hold.
        what: &'static str,
    },
    /// It holds more than a mail may.
    #[error("the mail holds {bytes} bytes, {max} are allowed")]
    TooLong {
        /// How many it has.
        bytes: usize,
        /// [`limits::MAIL_BYTES_MAX`].
        max: usize,
    },
    /// It holds more messages than a mail may.
    #[error("the mail holds {messages} messages, {max} are allowed")]
    TooMany {
        /// How many it has.
        messages: usize,
        /// [`limits::MAIL_MESSAGES_MAX`].
        max: usize,
    },
    /// Its data is nested too deep.
    #[error("the JSON is nested more than {max} levels deep")]
    TooDeep {
        /// [`limits::JSON_DEPTH_MAX`].
        max: usize,
    },
    /// A text holds a NUL character, which servers cut or refuse.
    #[error("the text holds a NUL character at byte {at}")]
    Nul {
        /// Where.
        at: usize,
    },
    /// A name in it cannot be one.
    #[error("the {what} {problem}")]
    BadName {
        /// What it should name.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The configuration in it cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A message in it cannot be appended anywhere.
    #[error(transparent)]
    Message(#[from] DraftError),
    /// It holds part of a turn group: calls without their results, or results without their calls.
    #[error("the mail holds part of a turn group: calls and their results go together")]
    NotWhole,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 7] = [
        Self::Messages,
        Self::Tools,
        Self::Provider,
        Self::ModelConfig,
        Self::Text,
        Self::Data,
        Self::Signal,
    ];

    /// The lower-case name, as files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Tools => "tools",
            Self::Provider => "provider",
            Self::ModelConfig => "model_config",
            Self::Text => "text",
            Self::Data => "data",
            Self::Signal => "signal",
        }
    }

    /// The category with that lower-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == name)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Package {
    /// Its category.
    pub const fn category(&self) -> Category {
        match self {
            Self::Messages(_) => Category::Messages,
            Self::Tools(_) => Category::Tools,
            Self::Provider(_) => Category::Provider,
            Self::ModelConfig(_) => Category::ModelConfig,
            Self::Text(_) => Category::Text,
            Self::Data(_) => Category::Data,
            Self::Signal(_) => Category::Signal,
        }
    }

    /// Checks everything that can be seen in it alone.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with what would be right.
    pub fn check(&self) -> Result<(), PackageError> {
        match self {
            Self::Messages(messages) => check_messages(messages)?,
            Self::Tools(names) => check_names("tool", names)?,
            Self::Provider(name) => check_names("provider", [name])?,
            Self::ModelConfig(patch) if patch.is_empty() => {
                let (category, what) = (Category::ModelConfig, "setting");
                return Err(PackageError::Empty { category, what });
            }
            Self::ModelConfig(patch) => patch.check()?,
            Self::Text(text) => check_text(text)?,
            Self::Data(data) if !depth_within(data, limits::JSON_DEPTH_MAX) => {
                return Err(PackageError::TooDeep { max: limits::JSON_DEPTH_MAX });
            }
            Self::Data(_) => {}
            Self::Signal(name) => check_names("signal", [name])?,
        }
        let (bytes, max) = (self.size(), limits::MAIL_BYTES_MAX);
        if bytes > max { Err(PackageError::TooLong { bytes, max }) } else { Ok(()) }
    }

    /// Bytes of text it holds, for size checks.
    fn size(&self) -> usize {
        match self {
            Self::Messages(messages) => messages.iter().map(|message| message.body.size()).sum(),
            Self::Text(text) => text.len(),
            Self::Data(data) => data.to_string().len(),
            Self::Tools(names) => names.iter().map(String::len).sum(),
            Self::Provider(name) | Self::Signal(name) => name.len(),
            Self::ModelConfig(_) => 0,
        }
    }
}

fn check_text(text: &str) -> Result<(), PackageError> {
    if text.is_empty() {
        return Err(PackageError::Empty { category: Category::Text, what: "character" });
    }
    text.find('\0').map_or(Ok(()), |at| Err(PackageError::Nul { at }))
}

fn check_names<'a>(
    what: &'static str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<(), PackageError> {
    let mut names = names.into_iter().peekable();
    if names.peek().is_none() {
        return Err(PackageError::Empty { category: Category::Tools, what });
    }
    names.try_for_each(|name| {
        check_name(name).map_err(|problem| PackageError::BadName { what, problem })
    })
}

/// Checks that there are some, and that calls are followed by all of their results and nothing else.
fn check_messages(messages: &[Arc<Message>]) -> Result<(), PackageError> {
    let (count, max) = (messages.len(), limits::MAIL_MESSAGES_MAX);
    if count == 0 {
        return Err(PackageError::Empty { category: Category::Messages, what: "message" });
    }
    if count > max {
        return Err(PackageError::TooMany { messages: count, max });
    }
    let mut open = Vec::new();
    for message in messages {
        check_body(&message.body)?;
        match &message.body {
            Body::ActionResponse { call, .. } => {
                let at = open.iter().position(|open| open == call).ok_or(PackageError::NotWhole)?;
                open.remove(at);
            }
            _ if !open.is_empty() => return Err(PackageError::NotWhole),
            Body::ActionRequest { calls, .. } => {
                open = calls.iter().map(|call| call.id.clone()).collect();
            }
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(PackageError::NotWhole) }
}

impl From<&str> for Package {
    /// A text.
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Package {
    /// A text.
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Value> for Package {
    /// Data.
    fn from(data: Value) -> Self {
        Self::Data(data)
    }
}

impl From<ConfigPatch> for Package {
    /// A change of the configuration.
    fn from(patch: ConfigPatch) -> Self {
        Self::ModelConfig(Box::new(patch))
    }
}

impl From<Vec<Arc<Message>>> for Package {
    /// Messages.
    fn from(messages: Vec<Arc<Message>>) -> Self {
        Self::Messages(messages)
    }
}
