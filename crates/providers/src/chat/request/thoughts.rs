//! A model's earlier thoughts, as the server wants them back.

use std::borrow::Cow;

use branchwork_core::message::{Native, Part};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::dialect::ReasoningBack;

/// The fields of an assistant message that hold thoughts; at most one is set.
#[derive(Default, Serialize)]
pub(super) struct Thoughts<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Value>,
}

impl<'a> Thoughts<'a> {
    /// The thoughts among the parts of an answer.
    pub(super) fn of(parts: &'a [Part], back: ReasoningBack) -> Self {
        let mut thoughts = Self::default();
        match back {
            ReasoningBack::Never => {}
            ReasoningBack::ReasoningContent => thoughts.reasoning_content = text_of(parts),
            ReasoningBack::Reasoning => thoughts.reasoning = text_of(parts),
            ReasoningBack::ReasoningDetails => {
                thoughts.reasoning_details = details_of(parts);
                if thoughts.reasoning_details.is_empty() {
                    thoughts.reasoning = text_of(parts);
                }
            }
        }
        thoughts
    }

    /// The same for an answer with calls, where `DeepSeek` wants the field even when it is empty.
    pub(super) fn of_calls(parts: &'a [Part], back: ReasoningBack) -> Self {
        let mut thoughts = Self::of(parts, back);
        if back == ReasoningBack::ReasoningContent {
            thoughts.reasoning_content.get_or_insert_default();
        }
        thoughts
    }
}

fn text_of(parts: &[Part]) -> Option<Cow<'_, str>> {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Reasoning { text, .. } if !text.is_empty() => Some(Cow::Borrowed(text.as_str())),
        _ => None,
    });
    texts.reduce(|joined, text| Cow::Owned(joined.into_owned() + "\n" + &text))
}

/// The details in order. The pieces in which one came over a stream are put together again; those of other
/// protocols are not for this one.
fn details_of(parts: &[Part]) -> Vec<Value> {
    let mut details: Vec<Value> = Vec::new();
    for part in parts {
        let pieces = match part {
            Part::Reasoning { detail: Some(Value::Array(pieces)), .. } => pieces.as_slice(),
            Part::Reasoning { detail: Some(piece), .. } => std::slice::from_ref(piece),
            _ => continue,
        };
        for piece in pieces.iter().filter(|piece| !Native::is_detail(piece)) {
            if !details.last_mut().is_some_and(|last| joined(last, piece)) {
                details.push(piece.clone());
            }
        }
    }
    details
}

/// Puts `piece` onto `detail` when both are of one text; false when they are not.
fn joined(detail: &mut Value, piece: &Value) -> bool {
    let (Value::Object(detail), Value::Object(piece)) = (detail, piece) else { return false };
    let field = match piece.get("type").and_then(Value::as_str) {
        Some("reasoning.text") => "text",
        Some("reasoning.summary") => "summary",
        _ => return false,
    };
    let same = |name: &str| detail.get(name) == piece.get(name);
    if !same("type") || !same("index") || is_signed(detail) {
        return false;
    }
    for (name, value) in piece {
        let more = value.as_str().filter(|_| name == field);
        match (detail.get_mut(name), more) {
            (Some(Value::String(text)), Some(more)) => text.push_str(more),
            (None | Some(Value::Null), _) => {
                detail.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    true
}

/// The signature is the last piece of a text.
fn is_signed(detail: &Map<String, Value>) -> bool {
    detail.get("signature").is_some_and(|signature| !signature.is_null())
}
