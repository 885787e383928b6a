//! The arguments of calls, for protocols in which they are an object and not text.

use serde::Serialize;
use serde_json::value::RawValue;

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
            Ok(raw) if trimmed.starts_with('{') => Self::Given(raw),
            _ => Self::Wrapped { malformed: arguments },
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
    fn arguments_are_an_object_whatever_the_model_wrote() {
        for (arguments, sent) in [
            ("", "{}"),
            (" \n", "{}"),
            (" {\"b\": 1, \"a\": \"\\u00e9\"} ", "{\"b\": 1, \"a\": \"\\u00e9\"}"),
            ("[1]", r#"{"_malformed":"[1]"}"#),
            ("null", r#"{"_malformed":"null"}"#),
            ("{\"a\":", r#"{"_malformed":"{\"a\":"}"#),
            ("plain", r#"{"_malformed":"plain"}"#),
        ] {
            let read = ArgumentsObject::read(arguments);
            assert_eq!(read.is_wrapped(), sent.contains("_malformed"), "{arguments}");
            assert_eq!(serde_json::to_string(&read).ok().as_deref(), Some(sent));
        }
    }
}
