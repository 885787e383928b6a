//! Values as servers send them: text that may be `null`, numbers that may be text.
//!
//! Each borrows from the bytes where it can, so that a chunk of text is copied once.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

/// Text; empty when it is `null`, absent, or no text at all.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

/// The name of a field.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Fields that are kept as they come: those that we do not read, unless they say nothing.
#[derive(Debug, Default)]
pub(crate) struct Extras<'a>(pub(crate) Vec<(Name<'a>, &'a RawValue)>);

impl<'a> Extras<'a> {
    pub(crate) fn keep(&mut self, name: Name<'a>, value: Option<&'a RawValue>) {
        let value = value.filter(|value| !matches!(value.get(), "[]" | "{}" | "\"\""));
        self.0.extend(value.map(|value| (name, value)));
    }

    /// Bytes of them.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.0.len() + value.get().len()).sum()
    }
}

/// What a model says: text, or a list of pieces as Mistral sends it, thoughts among them.
#[derive(Debug, Default)]
pub(crate) struct Said<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) thought: String,
}

/// The text of JSON data, checked once, which is faster than string by string. A server that cuts between
/// the bytes of a character loses that character: the rest of the text is worth more.
pub(crate) fn text_of(data: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(data) {
        Ok(text) => Cow::Borrowed(text),
        Err(_cut) => String::from_utf8_lossy(data),
    }
}

/// What `raw` says; `null` when it is nested deeper than JSON is read.
pub(crate) fn value_of(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// The arguments of a call, as JSON text: by the protocols a string that holds it, or an object; some
/// servers send the one where the other belongs. Empty where there are none.
pub(crate) fn arguments_of(raw: Option<&RawValue>) -> Cow<'_, str> {
    match raw.map_or("null", RawValue::get) {
        "null" => Cow::Borrowed(""),
        raw if raw.starts_with('"') => serde_json::from_str::<Text<'_>>(raw).unwrap_or_default().0,
        raw => Cow::Borrowed(raw),
    }
}

/// Bytes of JSON; none where there is none.
pub(crate) fn len(raw: Option<&RawValue>) -> usize {
    raw.map_or(0, |raw| raw.get().len())
}

/// A count of tokens; nothing when it is no whole number.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl Text<'_> {
    /// The text, unless it is empty.
    pub(crate) fn said(&self) -> Option<&str> {
        Some(self.0.as_ref()).filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value.to_string())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value.to_string())))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value.to_string())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value.to_string())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Said<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SaidVisitor)
    }
}

/// One piece of a list: `text`, or `thinking` that is itself text or a list.
#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default)]
    thinking: Said<'a>,
}

struct SaidVisitor;

impl<'de> Visitor<'de> for SaidVisitor {
    type Value = Said<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of pieces")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Said { text: Cow::Borrowed(text), thought: String::new() })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Said { text: Cow::Owned(text.to_owned()), thought: String::new() })
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Said::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pieces: A) -> Result<Self::Value, A::Error> {
        let mut said = Said::default();
        while let Some(piece) = pieces.next_element::<Piece<'de>>()? {
            said.text.to_mut().push_str(&piece.text.0);
            said.thought.push_str(&piece.thinking.text);
        }
        Ok(said)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Count(Some(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Count(u64::try_from(value).ok()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Count(format!("{value:.0}").parse().ok()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Count(value.parse().ok()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Count(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Count(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_text_whether_servers_send_text_or_an_object() {
        for (raw, expected) in [
            (r#"{"a": 1}"#, r#"{"a": 1}"#),
            (r#""{\"a\": 1}""#, r#"{"a": 1}"#),
            ("null", ""),
            (r#""""#, ""),
            ("[1]", "[1]"),
        ] {
            let raw: &RawValue = serde_json::from_str(raw).expect("JSON");
            assert_eq!(arguments_of(Some(raw)), expected);
        }
        assert_eq!(arguments_of(None), "");
    }
}
