//! A model's earlier thoughts, as the server wants them back.

use std::borrow::Cow;

use branchwork_core::message::{Native, Part};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{chat::PROTOCOL, dialect::ReasoningBack};

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
    /// The thoughts among the parts of an answer that go back to `model`.
    pub(super) fn of(parts: &'a [Part], (back, model): (ReasoningBack, &str)) -> Self {
        let mut thoughts = Self::default();
        match back {
            ReasoningBack::Never => {}
            ReasoningBack::ReasoningContent => thoughts.reasoning_content = text_of(parts.iter()),
            ReasoningBack::Reasoning => thoughts.reasoning = text_of(parts.iter()),
            ReasoningBack::ReasoningDetails => {
                let own = || parts.iter().filter(|part| !is_of_another(part, model));
                thoughts.reasoning_details = details_of(own());
                if thoughts.reasoning_details.is_empty() {
                    thoughts.reasoning = text_of(own());
                }
            }
        }
        thoughts
    }

    /// The same for an answer with calls, where `DeepSeek` wants the field even when it is empty.
    pub(super) fn of_calls(parts: &'a [Part], (back, model): (ReasoningBack, &str)) -> Self {
        let mut thoughts = Self::of(parts, (back, model));
        if back == ReasoningBack::ReasoningContent {
            thoughts.reasoning_content.get_or_insert_default();
        }
        thoughts
    }
}

/// Whether `part` is a thought with details that another model than `model` made.
pub(super) fn is_of_another(part: &Part, model: &str) -> bool {
    let made = pieces_of(part).iter().filter_map(|piece| Native::in_detail(piece, PROTOCOL));
    made.into_iter().any(|(made, _)| made != model)
}

/// The details of a thought as they came.
fn pieces_of(part: &Part) -> &[Value] {
    match part {
        Part::Reasoning { detail: Some(Value::Array(pieces)), .. } => pieces,
        Part::Reasoning { detail: Some(piece), .. } => std::slice::from_ref(piece),
        _ => &[],
    }
}

fn text_of<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<Cow<'a, str>> {
    let texts = parts.filter_map(|part| match part {
        Part::Reasoning { text, .. } if !text.is_empty() => Some(Cow::Borrowed(text.as_str())),
        _ => None,
    });
    texts.reduce(|joined, text| Cow::Owned(joined.into_owned() + "\n" + &text))
}

/// The details in order. The pieces in which one came over a stream are put together again; those of other
/// protocols are not for this one.
fn details_of<'a>(parts: impl Iterator<Item = &'a Part>) -> Vec<Value> {
    let mut details: Vec<Value> = Vec::new();
    for piece in parts.flat_map(pieces_of).filter(|piece| !Native::is_detail(piece)) {
        if !details.last_mut().is_some_and(|last| joined(last, piece)) {
            details.push(piece.clone());
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
