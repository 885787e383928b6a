//! The arguments of calls, as servers take them: one JSON object, whatever the model wrote.
//!
//! Arguments that are none are wrapped in one, because servers read them and would refuse the conversation
//! for ever. No arguments are an empty object.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

/// What a model wrote.
enum Written<'a> {
    Object(&'a RawValue),
    Nothing,
    /// No object that every server could read.
    Malformed,
}

impl<'a> Written<'a> {
    fn read(arguments: &'a str) -> Self {
        let trimmed = arguments.trim();
        if trimmed.is_empty() {
            return Self::Nothing;
        }
        match serde_json::from_str::<&RawValue>(trimmed) {
            Ok(raw) if trimmed.starts_with('{') && !has_half_characters(trimmed) => {
                Self::Object(raw)
            }
            _ => Self::Malformed,
        }
    }
}

/// Whether JSON spells a half of a character, such as `\ud83d` alone: no text has one, and servers that
/// read all of a request refuse it.
fn has_half_characters(json: &str) -> bool {
    json.contains("\\u") && serde_json::from_str::<Value>(json).is_err()
}

/// Arguments as text, for protocols in which they are that: as the model wrote them, or made legal.
pub(crate) fn legal_arguments(arguments: &str) -> Cow<'_, str> {
    match Written::read(arguments) {
        Written::Object(_) => Cow::Borrowed(arguments),
        Written::Nothing => Cow::Borrowed("{}"),
        Written::Malformed => Cow::Owned(json!({ "_malformed": arguments }).to_string()),
    }
}

/// Arguments for protocols in which they are an object and not text: as the model wrote them, or made
/// legal.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ArgumentsObject<'a> {
    Given(&'a RawValue),
    None {},
    Wrapped {
        #[serde(rename = "_malformed")]
        malformed: &'a str,
    },
}

impl<'a> ArgumentsObject<'a> {
    /// Reads arguments as they are kept.
    pub(crate) fn read(arguments: &'a str) -> Self {
        match Written::read(arguments) {
            Written::Object(raw) => Self::Given(raw),
            Written::Nothing => Self::None {},
            Written::Malformed => Self::Wrapped { malformed: arguments },
        }
    }

    /// Whether they are sent otherwise than they are kept.
    pub(crate) const fn is_wrapped(&self) -> bool {
        matches!(self, Self::Wrapped { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_an_object_whatever_the_model_wrote_as_text_and_as_json() {
        for (arguments, sent) in [
            ("", "{}"),
            (" \n", "{}"),
            (" {\"b\": 1, \"a\": \"\\u00e9\"} ", "{\"b\": 1, \"a\": \"\\u00e9\"}"),
            ("[1]", r#"{"_malformed":"[1]"}"#),
            ("\"x\"", r#"{"_malformed":"\"x\""}"#),
            ("7", r#"{"_malformed":"7"}"#),
            ("null", r#"{"_malformed":"null"}"#),
            ("{\"a\":", r#"{"_malformed":"{\"a\":"}"#),
            ("plain", r#"{"_malformed":"plain"}"#),
            (r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"\ud83d\ude00"}"#),
            (r#"{"a":"\ud83d"}"#, r#"{"_malformed":"{\"a\":\"\\ud83d\"}"}"#),
        ] {
            let read = ArgumentsObject::read(arguments);
            let is_wrapped = sent.contains("_malformed");
            assert_eq!(read.is_wrapped(), is_wrapped, "{arguments}");
            assert_eq!(serde_json::to_string(&read).ok().as_deref(), Some(sent));
            let text = legal_arguments(arguments);
            assert_eq!(text.trim(), sent);
            assert_eq!(matches!(text, Cow::Owned(_)), is_wrapped, "{arguments}");
        }
    }
}
