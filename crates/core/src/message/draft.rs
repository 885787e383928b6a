//! Drafts: messages that are not yet in a conversation.

use serde_json::{Map, Value};

use super::{Body, CallId, Message, Origin, Outcome, Status};
use crate::{clock::Timestamp, id::OpId, limits, twice::twice};

/// A message before it is appended: without an identifier and a time.
///
/// ```
/// use branchwork_core::message::{Body, Draft, Role};
///
/// let draft = Draft::new(Body::instruction("Plan a day in Rome")).with_sender("ada");
/// assert_eq!(draft.body.role(), Role::User);
/// assert!(draft.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Draft {
    /// Who it is from; the name of the role when not said.
    pub sender: Option<String>,
    /// Who it is for.
    pub recipient: Option<String>,
    /// What it says.
    pub body: Body,
    /// What the host program keeps with it.
    pub metadata: Map<String, Value>,
    /// How it ended.
    pub status: Status,
    /// Where it was first said; `None` when that is here.
    pub origin: Option<Box<Origin>>,
}

/// Why a draft cannot be appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// There is none.
    #[error("there is nothing to append")]
    Nothing,
    /// It holds more text than a message may.
    #[error("the message has {bytes} bytes of text, {max} are allowed")]
    TooLong {
        /// How many it has.
        bytes: usize,
        /// [`limits::MESSAGE_BYTES_MAX`].
        max: usize,
    },
    /// Its metadata is larger than allowed.
    #[error("the metadata has {bytes} bytes as JSON, {max} are allowed")]
    MetadataTooLong {
        /// How many it has.
        bytes: usize,
        /// [`limits::METADATA_BYTES_MAX`].
        max: usize,
    },
    /// What a step of a flow gave is larger than allowed.
    #[error("the result of the step has {bytes} bytes as JSON, {max} are allowed")]
    ResultTooLong {
        /// How many it has.
        bytes: usize,
        /// [`limits::STEP_RESULT_BYTES_MAX`].
        max: usize,
    },
    /// Its context or metadata is nested too deep.
    #[error("the JSON is nested more than {max} levels deep")]
    TooDeep {
        /// [`limits::JSON_DEPTH_MAX`].
        max: usize,
    },
    /// A name is empty, too long, or holds control characters.
    #[error("{what} {problem}")]
    BadName {
        /// Which name.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An instruction or system text holds a NUL character, which servers cut or refuse.
    #[error("the text holds a NUL character at byte {at}")]
    Nul {
        /// Where.
        at: usize,
    },
    /// An action request without calls, with too many, or with one identifier twice.
    #[error("{problem}")]
    BadCalls {
        /// What is wrong with them.
        problem: String,
    },
}

impl Draft {
    /// A draft that says `body`.
    pub fn new(body: Body) -> Self {
        let (metadata, status) = (Map::new(), Status::Complete);
        Self { sender: None, recipient: None, body, metadata, status, origin: None }
    }

    /// A copy of `message`, which was first said at `origin`.
    pub fn copy_of(message: &Message, origin: Origin) -> Self {
        Self {
            sender: Some(message.sender.clone()),
            recipient: message.recipient.clone(),
            body: message.body.clone(),
            metadata: message.metadata.clone(),
            status: message.status,
            origin: Some(Box::new(origin)),
        }
    }

    /// A result for one call.
    pub fn result(call: CallId, function: impl Into<String>, outcome: Outcome) -> Self {
        Self::new(Body::ActionResponse { call, function: function.into(), outcome })
    }

    /// Says who it is from.
    #[must_use]
    pub fn with_sender(mut self, sender: impl Into<String>) -> Self {
        self.sender = Some(sender.into());
        self
    }

    /// Says who it is for.
    #[must_use]
    pub fn with_recipient(mut self, recipient: impl Into<String>) -> Self {
        self.recipient = Some(recipient.into());
        self
    }

    /// Keeps `metadata` with it.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.metadata = metadata;
        self
    }

    /// Says how it ended.
    #[must_use]
    pub const fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Says where it was first said.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(Box::new(origin));
        self
    }

    /// Checks sizes and names.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with what would be right.
    pub fn check(&self) -> Result<(), DraftError> {
        check_body(&self.body)?;
        for (what, name) in [("the sender", &self.sender), ("the recipient", &self.recipient)] {
            if let Some(name) = name {
                check_name(name).map_err(|problem| DraftError::BadName { what, problem })?;
            }
        }
        if !self.metadata.values().all(|value| depth_within(value, limits::JSON_DEPTH_MAX)) {
            return Err(DraftError::TooDeep { max: limits::JSON_DEPTH_MAX });
        }
        let bytes = if self.metadata.is_empty() {
            0
        } else {
            Value::Object(self.metadata.clone()).to_string().len()
        };
        if bytes > limits::METADATA_BYTES_MAX {
            return Err(DraftError::MetadataTooLong { bytes, max: limits::METADATA_BYTES_MAX });
        }
        Ok(())
    }

    /// The message that it would be, for who only looks at it.
    pub fn preview(&self) -> Message {
        self.clone().into_message(OpId::from_bits(0), Timestamp::from_micros(0))
    }

    /// Makes the message that `op` appends at `at`.
    pub(crate) fn into_message(self, op: OpId, at: Timestamp) -> Message {
        let role = self.body.role();
        Message {
            id: op.into(),
            at,
            sender: self.sender.unwrap_or_else(|| role.as_str().to_owned()),
            recipient: self.recipient,
            body: self.body,
            metadata: self.metadata,
            status: self.status,
            edited: None,
            origin: self.origin,
        }
    }
}

/// Checks a body on its own: sizes, depth, NUL, the identifiers of calls.
///
/// # Errors
///
/// The first thing that is wrong, with what would be right.
pub(crate) fn check_body(body: &Body) -> Result<(), DraftError> {
    if !values_of(body).iter().all(|value| depth_within(value, limits::JSON_DEPTH_MAX)) {
        return Err(DraftError::TooDeep { max: limits::JSON_DEPTH_MAX });
    }
    let bytes = body.size();
    if bytes > limits::MESSAGE_BYTES_MAX {
        return Err(DraftError::TooLong { bytes, max: limits::MESSAGE_BYTES_MAX });
    }
    if let Some(at) = nul_in(body) {
        return Err(DraftError::Nul { at });
    }
    check_places(body)?;
    if let Body::ActionRequest { calls, .. } = body {
        let problem = if calls.is_empty() {
            Some("an action request holds at least one call".to_owned())
        } else if calls.len() > limits::CALLS_PER_ANSWER_MAX {
            let max = limits::CALLS_PER_ANSWER_MAX;
            Some(format!("an action request holds at most {max} calls, not {}", calls.len()))
        } else {
            twice(calls.iter().map(|call| &call.id))
                .map(|id| format!("two calls have the identifier `{id}`"))
        };
        if let Some(problem) = problem {
            return Err(DraftError::BadCalls { problem });
        }
    }
    Ok(())
}

/// The JSON in a body: what is nested too deep could be stored, and not be read again.
fn values_of(body: &Body) -> Vec<&Value> {
    let (parts, value) = match body {
        Body::System { .. } => return Vec::new(),
        Body::Instruction { parts, context } => (parts.as_slice(), context.as_ref()),
        Body::Response { parts } | Body::ActionRequest { parts, .. } => (parts.as_slice(), None),
        Body::ActionResponse { outcome, .. } => match outcome {
            Outcome::Succeeded(value) => (&[][..], Some(value)),
            _ => return Vec::new(),
        },
    };
    parts.iter().filter_map(value_of).chain(value).collect()
}

fn value_of(part: &super::Part) -> Option<&Value> {
    match part {
        super::Part::Data(value) => Some(value),
        super::Part::Reasoning { detail, .. } => detail.as_ref(),
        super::Part::Native(native) => Some(&native.block),
        _ => None,
    }
}

/// Checks that each part which is the place of a call is that of one there is, and its only one.
fn check_places(body: &Body) -> Result<(), DraftError> {
    let (parts, calls) = match body {
        Body::Instruction { parts, .. } | Body::Response { parts } => (parts, 0),
        Body::ActionRequest { parts, calls } => (parts, calls.len()),
        Body::System { .. } | Body::ActionResponse { .. } => return Ok(()),
    };
    let places = || {
        parts.iter().filter_map(|part| match part {
            super::Part::Call(place) => Some(*place),
            _ => None,
        })
    };
    let missing = places().find(|place| usize::try_from(*place).is_ok_and(|place| place >= calls));
    let problem = match (missing, twice(places())) {
        (Some(place), _) => format!("a part is the place of call {place}, there are {calls}"),
        (None, Some(place)) => format!("two parts are the place of call {place}"),
        (None, None) => return Ok(()),
    };
    Err(DraftError::BadCalls { problem })
}

fn nul_in(body: &Body) -> Option<usize> {
    let parts = match body {
        Body::System { text } => return text.find('\0'),
        Body::Instruction { parts, .. } => parts,
        // What a model or a tool said is kept as it came: it was paid for.
        Body::Response { .. } | Body::ActionRequest { .. } | Body::ActionResponse { .. } => {
            return None;
        }
    };
    parts.iter().find_map(|part| match part {
        super::Part::Text(text) => text.find('\0'),
        _ => None,
    })
}

/// Checks a name of a session, a branch, a sender or a recipient.
///
/// # Errors
///
/// What is wrong with it, as a clause that can follow the thing's name.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("has an empty name".to_owned());
    }
    if name.len() > limits::NAME_BYTES_MAX {
        let max = limits::NAME_BYTES_MAX;
        return Err(format!("has a name of {} bytes, {max} are allowed", name.len()));
    }
    match name.chars().find(|character| character.is_control()) {
        Some(character) => {
            Err(format!("has a name that holds the control character {character:?}"))
        }
        None => Ok(()),
    }
}

/// Whether `value` is nested at most `levels` deep. Looks no deeper than that itself.
pub fn depth_within(value: &Value, levels: usize) -> bool {
    let inner = match value {
        Value::Array(items) => return levels > 0 && all_within(items.iter(), levels - 1),
        Value::Object(fields) => fields.values(),
        _ => return true,
    };
    levels > 0 && all_within(inner, levels - 1)
}

fn all_within<'a>(mut values: impl Iterator<Item = &'a Value>, levels: usize) -> bool {
    values.all(|value| depth_within(value, levels))
}
