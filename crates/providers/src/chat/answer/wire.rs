//! The rare parts of what servers send: tool calls and usage.

use std::{fmt, marker::PhantomData};

use branchwork_core::provider::Usage;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::loose::{Count, Extras, Name, Text, len};

#[derive(Default)]
pub(super) struct CallDelta<'a> {
    pub(super) index: Count,
    pub(super) id: Text<'a>,
    pub(super) function: Option<FunctionDelta<'a>>,
    /// What else there is, and goes back with the call: Gemini's signature of the thought that led to it.
    pub(super) extras: Extras<'a>,
}

impl CallDelta<'_> {
    /// Bytes of it that are kept.
    pub(super) fn bytes(&self) -> usize {
        let function = self.function.as_ref();
        let function =
            function.map_or(0, |function| function.name.0.len() + len(function.arguments));
        self.id.0.len() + function + self.extras.bytes()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CallDelta<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CallFields(PhantomData))
    }
}

struct CallFields<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for CallFields<'a> {
    type Value = CallDelta<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a call or a part of one")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<CallDelta<'a>, M::Error> {
        let mut call = CallDelta::default();
        while let Some(name) = fields.next_key::<Name<'_>>()? {
            match &*name.0 {
                "index" => call.index = fields.next_value()?,
                "id" => call.id = fields.next_value()?,
                "function" => call.function = fields.next_value()?,
                "type" => drop(fields.next_value::<IgnoredAny>()?),
                _ => call.extras.keep(name, fields.next_value()?),
            }
        }
        Ok(call)
    }
}

#[derive(Deserialize, Default)]
pub(super) struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
    /// Text by the protocol, an object by some servers.
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// Where Groq puts the usage.
#[derive(Deserialize)]
pub(super) struct Groq {
    pub(super) usage: Option<WireUsage>,
}

#[derive(Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    prompt_tokens: Count,
    #[serde(default)]
    completion_tokens: Count,
    #[serde(default)]
    total_tokens: Count,
    prompt_tokens_details: Option<ReadDetails>,
    completion_tokens_details: Option<WrittenDetails>,
    /// Where `DeepSeek` counts what came from its cache.
    #[serde(default)]
    prompt_cache_hit_tokens: Count,
}

#[derive(Deserialize, Default, Clone, Copy)]
struct ReadDetails {
    #[serde(default)]
    cached_tokens: Count,
    /// What `OpenRouter` counts as kept by a prompt cache.
    #[serde(default)]
    cache_write_tokens: Count,
}

#[derive(Deserialize, Default, Clone, Copy)]
struct WrittenDetails {
    #[serde(default)]
    reasoning_tokens: Count,
}

impl WireUsage {
    /// Tokens written. By the protocol the thoughts are among them; xAI counts them beside them, which only
    /// its total tells.
    fn output_tokens(&self, reasoning: Option<u64>) -> Option<u64> {
        let written = self.completion_tokens.0?;
        let all = written.saturating_add(reasoning.unwrap_or_default());
        let total = self.prompt_tokens.0.map(|read| read.saturating_add(all));
        let is_beside = total.is_some() && total == self.total_tokens.0;
        Some(if is_beside { all } else { written })
    }
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let read = wire.prompt_tokens_details.unwrap_or_default();
        let reasoning = wire.completion_tokens_details.unwrap_or_default().reasoning_tokens.0;
        Self {
            input_tokens: wire.prompt_tokens.0,
            output_tokens: wire.output_tokens(reasoning),
            cached_tokens: read.cached_tokens.0.or(wire.prompt_cache_hit_tokens.0),
            cache_write_tokens: read.cache_write_tokens.0,
            reasoning_tokens: reasoning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Usage {
        serde_json::from_str::<WireUsage>(json).expect("good usage").into()
    }

    #[test]
    fn thoughts_that_are_counted_beside_the_text_are_written_too() {
        let counted = |total: &str| {
            let usage = read(&format!(
                r#"{{"prompt_tokens":32,"completion_tokens":9{total},
                    "completion_tokens_details":{{"reasoning_tokens":94}}}}"#
            ));
            (usage.output_tokens, usage.reasoning_tokens)
        };
        assert_eq!(counted(r#","total_tokens":135"#), (Some(103), Some(94)), "as xAI counts");
        assert_eq!(counted(r#","total_tokens":41"#), (Some(9), Some(94)), "as OpenAI counts");
        assert_eq!(counted(""), (Some(9), Some(94)), "nobody says");
        let huge = format!(
            r#"{{"prompt_tokens":{0},"completion_tokens":{0},"total_tokens":{0}}}"#,
            u64::MAX
        );
        assert_eq!(read(&huge).output_tokens, Some(u64::MAX));
    }

    #[test]
    fn what_a_cache_keeps_and_gives_is_counted() {
        let usage = read(
            r#"{"prompt_tokens":32,"completion_tokens":null,
                "prompt_tokens_details":{"cached_tokens":5,"cache_write_tokens":20}}"#,
        );
        let expected = Usage {
            input_tokens: Some(32),
            cached_tokens: Some(5),
            cache_write_tokens: Some(20),
            ..Usage::default()
        };
        assert_eq!(usage, expected);
        let deepseek = read(r#"{"prompt_tokens":32,"prompt_cache_hit_tokens":7}"#);
        assert_eq!((deepseek.cached_tokens, deepseek.cache_write_tokens), (Some(7), None));
    }
}
