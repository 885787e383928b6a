//! Bodies: the five things a message can say.

use std::fmt;

use serde_json::Value;

use super::{CallId, Outcome, Part, Role, ToolCall, text_of};

/// What a message says. The kind fixes the role.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// Instructions that hold for the whole conversation.
    System {
        /// The text.
        text: String,
    },
    /// What is asked of the model.
    Instruction {
        /// What is asked.
        parts: Vec<Part>,
        /// What the model should know for it; kept as given, also when it is `""`, `0` or `{}`.
        context: Option<Value>,
    },
    /// An answer of a model.
    Response {
        /// What it said.
        parts: Vec<Part>,
    },
    /// An answer of a model that asks for tools to be called.
    ActionRequest {
        /// What it said beside the calls.
        parts: Vec<Part>,
        /// The calls, in the order in which the model made them. Never empty.
        calls: Vec<ToolCall>,
    },
    /// What came of one call.
    ActionResponse {
        /// The call it answers.
        call: CallId,
        /// The name of the tool.
        function: String,
        /// What came of it.
        outcome: Outcome,
    },
}

/// The kind of a [`Body`], without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BodyKind {
    /// See [`Body::System`].
    System,
    /// See [`Body::Instruction`].
    Instruction,
    /// See [`Body::Response`].
    Response,
    /// See [`Body::ActionRequest`].
    ActionRequest,
    /// See [`Body::ActionResponse`].
    ActionResponse,
}

impl BodyKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::System,
        Self::Instruction,
        Self::Response,
        Self::ActionRequest,
        Self::ActionResponse,
    ];

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whose voice messages of this kind are in.
    pub const fn role(self) -> Role {
        match self {
            Self::System => Role::System,
            Self::Instruction => Role::User,
            Self::Response | Self::ActionRequest => Role::Assistant,
            Self::ActionResponse => Role::Tool,
        }
    }

    /// The name, as files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Instruction => "instruction",
            Self::Response => "response",
            Self::ActionRequest => "action_request",
            Self::ActionResponse => "action_response",
        }
    }
}

impl fmt::Display for BodyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Body {
    /// An instruction of plain text.
    pub fn instruction(text: impl Into<String>) -> Self {
        Self::Instruction { parts: vec![Part::text(text)], context: None }
    }

    /// An answer of plain text.
    pub fn response(text: impl Into<String>) -> Self {
        Self::Response { parts: vec![Part::text(text)] }
    }

    /// Whose voice it is in.
    pub const fn role(&self) -> Role {
        self.kind().role()
    }

    /// Which of the five it is.
    pub const fn kind(&self) -> BodyKind {
        match self {
            Self::System { .. } => BodyKind::System,
            Self::Instruction { .. } => BodyKind::Instruction,
            Self::Response { .. } => BodyKind::Response,
            Self::ActionRequest { .. } => BodyKind::ActionRequest,
            Self::ActionResponse { .. } => BodyKind::ActionResponse,
        }
    }

    /// Its plain text: what a reader sees. Thoughts, attachments, calls and context are left out.
    pub fn text(&self) -> String {
        match self {
            Self::System { text } => text.clone(),
            Self::Instruction { parts, .. }
            | Self::Response { parts }
            | Self::ActionRequest { parts, .. } => text_of(parts),
            Self::ActionResponse { outcome, .. } => outcome.text(),
        }
    }

    /// A body of the same kind that says `text` instead; `None` when the kind cannot be edited.
    ///
    /// Attachments of an instruction stay. Calls and results cannot be edited: they are a record.
    #[must_use]
    pub fn with_text(&self, text: impl Into<String>) -> Option<Self> {
        match self {
            Self::System { .. } => Some(Self::System { text: text.into() }),
            Self::Instruction { parts, context } => {
                let attachments = parts.iter().filter(|part| part.is_attachment()).cloned();
                let parts = std::iter::once(Part::text(text)).chain(attachments).collect();
                Some(Self::Instruction { parts, context: context.clone() })
            }
            Self::Response { .. } => Some(Self::response(text)),
            Self::ActionRequest { .. } | Self::ActionResponse { .. } => None,
        }
    }

    /// Bytes of text it holds, for size checks.
    pub(crate) fn size(&self) -> usize {
        let parts_size = |parts: &[Part]| parts.iter().map(Part::size).sum::<usize>();
        match self {
            Self::System { text } => text.len(),
            Self::Instruction { parts, context } => {
                parts_size(parts) + context.as_ref().map_or(0, |context| context.to_string().len())
            }
            Self::Response { parts } => parts_size(parts),
            Self::ActionRequest { parts, calls } => {
                let calls = calls.iter().map(|call| call.function.len() + call.arguments.len());
                parts_size(parts) + calls.sum::<usize>()
            }
            Self::ActionResponse { outcome, .. } => outcome.told().len(),
        }
    }
}
