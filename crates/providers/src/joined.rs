//! The text of parts, written where it lies: none is copied on its way into a body.

use std::fmt;

use branchwork_core::message::Part;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The text of parts, a line break between them, and a context after it.
pub(crate) struct Joined<'a> {
    parts: &'a [Part],
    context: Option<&'a Value>,
}

impl<'a> Joined<'a> {
    pub(crate) const fn new(parts: &'a [Part], context: Option<&'a Value>) -> Self {
        Self { parts, context }
    }

    /// The text, when it need not be put together.
    fn as_str(&self) -> Option<&'a str> {
        let mut spoken = self.parts.iter().filter(|part| is_spoken(part));
        match (spoken.next(), spoken.next(), self.context) {
            (None, _, None) => Some(""),
            (Some(Part::Text(text)), None, None) => Some(text),
            _ => None,
        }
    }

    /// Whether there is no text.
    pub(crate) fn is_empty(&self) -> bool {
        self.as_str() == Some("")
    }
}

const fn is_spoken(part: &Part) -> bool {
    match part {
        Part::Text(text) => !text.is_empty(),
        part => matches!(part, Part::Data(_)),
    }
}

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_first = true;
        for part in self.parts.iter().filter(|part| is_spoken(part)) {
            if !std::mem::take(&mut is_first) {
                f.write_str("\n")?;
            }
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Data(value) => write!(f, "{value}")?,
                _ => {}
            }
        }
        let Some(context) = self.context else { return Ok(()) };
        if !is_first {
            f.write_str("\n\n")?;
        }
        Context(context).fmt(f)
    }
}

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(self),
        }
    }
}

/// A context as a model reads it: text as it is, the rest as JSON.
pub(crate) struct Context<'a>(&'a Value);

impl<'a> Context<'a> {
    pub(crate) const fn new(context: &'a Value) -> Self {
        Self(context)
    }
}

impl fmt::Display for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context:\n")?;
        match self.0 {
            Value::String(text) => f.write_str(text),
            value => write!(f, "{value}"),
        }
    }
}

impl Serialize for Context<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
