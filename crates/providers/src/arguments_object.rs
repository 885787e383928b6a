//! The arguments of calls, for protocols in which they are an object and not text.

use serde::Serialize;
use serde_json::{Value, value::RawValue};

/// Arguments as the model wrote them, or in an object where they are none: the server would refuse the
/// conversation for ever.
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
    /// Reads arguments as they are kept. No arguments are an empty object.
    pub(crate) fn read(arguments: &'a str) -> Self {
        let trimmed = arguments.trim();
        if trimmed.is_empty() {
            return Self::None {};
        }
        match serde_json::from_str::<&RawValue>(trimmed) {
            Ok(raw) if trimmed.starts_with('{') && !has_half_characters(trimmed) => {
                Self::Given(raw)
            }
            _ => Self::Wrapped { malformed: arguments },
        }
    }

    /// Whether they are sent otherwise than they are kept.
    pub(crate) const fn is_wrapped(&self) -> bool {
        matches!(self, Self::Wrapped { .. })
    }
}

/// Whether JSON spells a half of a character, such as `\ud83d` alone: no text has one, and servers that
/// read all of a request refuse it.
fn has_half_characters(json: &str) -> bool {
    json.contains("\\u") && serde_json::from_str::<Value>(json).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_an_object_whatever_the_model_wrote() {
        for (arguments, sent) in [
            ("", "{}"),
            (" \n", "{}"),
            (" {\"b\": 1, \"a\": \"\\u00e9\"} ", "{\"b\": 1, \"a\": \"\\u00e9\"}"),
            ("[1]", r#"{"_malformed":"[1]"}"#),
            ("null", r#"{"_malformed":"null"}"#),
            ("{\"a\":", r#"{"_malformed":"{\"a\":"}"#),
            ("plain", r#"{"_malformed":"plain"}"#),
            (r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"\ud83d\ude00"}"#),
            (r#"{"a":"\ud83d"}"#, r#"{"_malformed":"{\"a\":\"\\ud83d\"}"}"#),
        ] {
            let read = ArgumentsObject::read(arguments);
            assert_eq!(read.is_wrapped(), sent.contains("_malformed"), "{arguments}");
            assert_eq!(serde_json::to_string(&read).ok().as_deref(), Some(sent));
        }
    }
}
