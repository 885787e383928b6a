//! Messages: who said what, and how it ended.

mod body;
mod call;
mod draft;
mod native;
mod origin;
mod part;
mod text;

use std::fmt;

use serde_json::{Map, Value};

pub(crate) use self::draft::check_body;
pub use self::{
    body::{Body, BodyKind},
    call::{CallId, Outcome, ToolCall},
    draft::{Draft, DraftError, check_name, depth_within},
    native::Native,
    origin::Origin,
    part::{FileSource, Part, text_of},
};
use crate::{
    clock::Timestamp,
    id::{MessageId, OpId},
};

/// Whose voice a message is in. It follows from the [`Body`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Instructions that hold for the whole conversation.
    System,
    /// The person or program that asks.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::System, Self::User, Self::Assistant, Self::Tool];

    /// The lower-case name, as providers, files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }

    /// The role with that lower-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// Whole.
    #[default]
    Complete,
    /// The caller or a crash stopped it: what had come is kept.
    Interrupted,
    /// The provider failed on the way: what had come is kept.
    Failed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Complete, Self::Interrupted, Self::Failed];

    /// The status with that lower-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// The lower-case name, as files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// One message as it stands in a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its identifier; an edit keeps it.
    pub id: MessageId,
    /// When it was appended.
    pub at: Timestamp,
    /// Who it is from.
    pub sender: String,
    /// Who it is for, when that is said.
    pub recipient: Option<String>,
    /// What it says.
    pub body: Body,
    /// What the host program keeps with it. No model sees it.
    pub metadata: Map<String, Value>,
    /// How it ended.
    pub status: Status,
    /// The op that last edited it; `None` when it stands as it was appended.
    pub edited: Option<OpId>,
    /// Where it was first said; `None` when that is here. Boxed: most messages have none.
    pub origin: Option<Box<Origin>>,
}

impl Message {
    /// Whose voice it is in.
    pub const fn role(&self) -> Role {
        self.body.role()
    }

    /// The message that was said first, of which this is a copy: itself when it is none.
    pub fn first_said(&self) -> MessageId {
        self.origin.as_ref().and_then(|origin| origin.message()).unwrap_or(self.id)
    }

    /// Its text in plain form: see [`Body::text`].
    pub fn text(&self) -> String {
        self.body.text()
    }
}
