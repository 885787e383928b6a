//! A chunk of a stream, or a whole answer: both have one form.
//!
//! The nested JSON is read straight into one flat struct, because a stream is thousands of chunks
//! with a word in each: derived code would move each level into the next.

use std::{fmt, mem};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::wire::{CallDelta, Groq, WireUsage};
use crate::loose::{Count, Extras, Name, Said, Text, len};

/// What a chunk says, as far as we read it.
#[derive(Default)]
pub(super) struct Chunk<'a> {
    pub(super) id: Text<'a>,
    pub(super) model: Text<'a>,
    pub(super) choice: Choice<'a>,
    /// Those of the others that it tells of, with their numbers.
    pub(super) others: Vec<(u32, Choice<'a>)>,
    pub(super) usage: Option<Box<WireUsage>>,
    pub(super) error: Option<&'a RawValue>,
    /// Whether there is a list of choices, even an empty one.
    pub(super) has_choices: bool,
}

/// What it says of one of the answers.
#[derive(Default)]
pub(super) struct Choice<'a> {
    pub(super) is_there: bool,
    /// The delta, or the message that stands in its place.
    pub(super) delta: Delta<'a>,
    pub(super) finish_reason: Text<'a>,
    pub(super) logprobs: Option<&'a RawValue>,
}

#[derive(Default)]
pub(super) struct Delta<'a> {
    pub(super) content: Said<'a>,
    pub(super) refusal: Text<'a>,
    pub(super) reasoning_content: Text<'a>,
    pub(super) reasoning: Text<'a>,
    pub(super) reasoning_details: Option<&'a RawValue>,
    pub(super) tool_calls: Vec<CallDelta<'a>>,
    /// What else there is: sound, pictures, what was cited.
    pub(super) extras: Extras<'a>,
}

impl Choice<'_> {
    /// Bytes of it that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.delta.bytes() + len(self.logprobs)
    }
}

impl Delta<'_> {
    fn bytes(&self) -> usize {
        let Said { text, thought } = &self.content;
        // Of one thought under two names one is kept.
        let told = self.reasoning_content.0.len().max(self.reasoning.0.len());
        let said = text.len() + thought.len() + self.refusal.0.len() + told;
        let calls: usize = self.tool_calls.iter().map(CallDelta::bytes).sum();
        said + len(self.reasoning_details) + calls + self.extras.bytes()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Chunk<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut chunk = Self::default();
        deserializer.deserialize_map(ChunkFields(&mut chunk))?;
        Ok(chunk)
    }
}

/// Names of fields, above those of a message.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Id,
    Model,
    Choices,
    Usage,
    XGroq,
    Error,
    Index,
    Delta,
    Message,
    FinishReason,
    Logprobs,
    #[serde(other)]
    Other,
}

struct ChunkFields<'c, 'a>(&'c mut Chunk<'a>);

impl<'de: 'a, 'a> Visitor<'de> for ChunkFields<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<(), M::Error> {
        while let Some(key) = fields.next_key()? {
            match key {
                Key::Id => self.0.id = fields.next_value()?,
                Key::Model => self.0.model = fields.next_value()?,
                Key::Choices => fields.next_value_seed(Choices(self.0))?,
                Key::Usage => self.0.usage = fields.next_value()?,
                Key::XGroq => {
                    let groq: Option<Groq> = fields.next_value()?;
                    let usage = groq.and_then(|groq| groq.usage).map(Box::new);
                    self.0.usage = self.0.usage.take().or(usage);
                }
                Key::Error => self.0.error = fields.next_value()?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Choices<'c, 'a>(&'c mut Chunk<'a>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for Choices<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Choices<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        self.0.has_choices = true;
        loop {
            // The usual only one is read in its place.
            let Chunk { choice, others, .. } = &mut *self.0;
            let mut other = Choice::default();
            let is_first = !choice.is_there;
            let place = if is_first { &mut *choice } else { &mut other };
            match list.next_element_seed(ChoiceFields(place))? {
                None => return Ok(()),
                Some(0) => {}
                Some(index) if is_first => others.push((index, mem::take(choice))),
                Some(index) => others.push((index, other)),
            }
        }
    }
}

struct ChoiceFields<'c, 'a>(&'c mut Choice<'a>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for ChoiceFields<'_, 'a> {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for ChoiceFields<'_, 'a> {
    /// Its number.
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a choice")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<u32, M::Error> {
        let mut index = Count(None);
        while let Some(key) = fields.next_key()? {
            match key {
                Key::Index => index = fields.next_value()?,
                Key::Delta | Key::Message => {
                    fields.next_value_seed(DeltaFields(&mut self.0.delta))?;
                }
                Key::FinishReason => self.0.finish_reason = fields.next_value()?,
                Key::Logprobs => self.0.logprobs = fields.next_value()?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        self.0.is_there = true;
        Ok(index.0.and_then(|index| u32::try_from(index).ok()).unwrap_or_default())
    }
}

struct DeltaFields<'c, 'a>(&'c mut Delta<'a>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for DeltaFields<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for DeltaFields<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message or a part of one")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<(), M::Error> {
        while let Some(name) = fields.next_key::<Name<'_>>()? {
            match &*name.0 {
                "content" => self.0.content = fields.next_value()?,
                "refusal" => self.0.refusal = fields.next_value()?,
                "reasoning_content" => self.0.reasoning_content = fields.next_value()?,
                "reasoning" => self.0.reasoning = fields.next_value()?,
                "reasoning_details" => self.0.reasoning_details = fields.next_value()?,
                "tool_calls" => {
                    self.0.tool_calls = fields.next_value::<Option<_>>()?.unwrap_or_default();
                }
                "role" => drop(fields.next_value::<IgnoredAny>()?),
                _ => self.0.extras.keep(name, fields.next_value()?),
            }
        }
        Ok(())
    }
}
