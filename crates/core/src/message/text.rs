//! The texts that a body is made of, one by one.

use serde_json::Value;

use super::{Body, Outcome, Part};

impl Body {
    /// Whether `test` says yes to one of the texts it is made of, each as it was said: parts,
    /// context, thoughts, calls and results. Of values, the keys and leaves.
    ///
    /// Stops at the first yes. Copies no text.
    pub fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match self {
            Self::System { text } => test(text),
            Self::Instruction { parts, context } => {
                any_in_parts(parts, test)
                    || context.as_ref().is_some_and(|value| any_in_value(value, test))
            }
            Self::Response { parts } => any_in_parts(parts, test),
            Self::ActionRequest { parts, calls } => {
                any_in_parts(parts, test)
                    || calls.iter().any(|call| test(&call.function) || test(&call.arguments))
            }
            Self::ActionResponse { function, outcome, .. } => {
                test(function) || any_in_outcome(outcome, test)
            }
        }
    }

    /// This body with `change` applied to every text that a person or a model wrote: parts,
    /// and context; of values the leaves, not the keys. Thoughts stay: providers sign them.
    ///
    /// `None` for calls and results: they are a record.
    #[must_use]
    pub fn map_texts(&self, change: &mut dyn FnMut(&str) -> String) -> Option<Self> {
        Some(match self {
            Self::System { text } => Self::System { text: change(text) },
            Self::Instruction { parts, context } => Self::Instruction {
                parts: map_parts(parts, change),
                context: context.as_ref().map(|value| map_value(value, change)),
            },
            Self::Response { parts } => Self::Response { parts: map_parts(parts, change) },
            Self::ActionRequest { .. } | Self::ActionResponse { .. } => return None,
        })
    }
}

fn any_in_parts(parts: &[Part], test: &mut dyn FnMut(&str) -> bool) -> bool {
    parts.iter().any(|part| match part {
        Part::Text(text) | Part::Reasoning { text, .. } => test(text),
        Part::File { name: Some(name), .. } => test(name),
        Part::Data(value) => any_in_value(value, test),
        Part::Image { .. }
        | Part::File { name: None, .. }
        | Part::Audio { .. }
        | Part::Native(_)
        | Part::Call(_) => false,
    })
}

fn any_in_outcome(outcome: &Outcome, test: &mut dyn FnMut(&str) -> bool) -> bool {
    match outcome {
        Outcome::Succeeded(value) => any_in_value(value, test),
        Outcome::Failed(text) | Outcome::Cancelled(text) | Outcome::Denied(text) => test(text),
        Outcome::Unknown => false,
    }
}

fn any_in_value(value: &Value, test: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(items) => items.iter().any(|item| any_in_value(item, test)),
        Value::Object(fields) => {
            fields.iter().any(|(key, field)| test(key) || any_in_value(field, test))
        }
        Value::Number(number) => test(&number.to_string()),
        Value::Bool(_) | Value::Null => false,
    }
}

fn map_parts(parts: &[Part], change: &mut dyn FnMut(&str) -> String) -> Vec<Part> {
    let map = |part: &Part| match part {
        Part::Text(text) => Part::Text(change(text)),
        Part::Data(value) => Part::Data(map_value(value, change)),
        // A thought is signed by its provider, a file is what it is, and a block is its provider's own.
        Part::Reasoning { .. }
        | Part::Image { .. }
        | Part::File { .. }
        | Part::Audio { .. }
        | Part::Native(_)
        | Part::Call(_) => part.clone(),
    };
    parts.iter().map(map).collect()
}

fn map_value(value: &Value, change: &mut dyn FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| map_value(item, change)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, field)| (key.clone(), map_value(field, change)));
            Value::Object(fields.collect())
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::message::{FileSource, Native};

    #[test]
    fn what_was_written_is_changed_and_what_is_signed_or_attached_is_not() {
        let audio = Part::Audio { url: "data:audio/wav;base64,rome".to_owned() };
        let image = Part::Image { url: "https://rome".to_owned(), detail: Some("rome".to_owned()) };
        let source = FileSource::Id("rome".to_owned());
        let file = Part::File { name: Some("rome.txt".to_owned()), source };
        let thought = Part::Reasoning { text: "rome".to_owned(), detail: None };
        let native = Part::Native(Native::new("chat", "rome", json!({ "text": "rome" })));
        let kept = [audio, image, file, thought, native, Part::Call(0)];
        let parts = |text: &str| {
            let written = [Part::text(text), Part::Data(json!({ "rome": [text, 1] }))];
            written.into_iter().chain(kept.clone()).collect::<Vec<_>>()
        };
        let body = Body::Response { parts: parts("rome") };
        let changed = body.map_texts(&mut |text| text.to_uppercase());
        assert_eq!(changed, Some(Body::Response { parts: parts("ROME") }));
    }
}
