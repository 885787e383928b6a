//! The settings of a call, in the words of the protocol and in a fixed order.

use std::borrow::Cow;

use branchwork_core::{config::Config, provider::ModelRequest};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{cache_key::cache_key, checks, schema};

/// The least limit of tokens that is taken: "integer below minimum value. Expected a value >= 16".
const TOKENS_MIN: u32 = 16;

/// What must be asked for to get thoughts that can be sent back.
const SEALED_THOUGHTS: &str = "reasoning.encrypted_content";

/// What must be asked for to get log probabilities.
const LOGPROBS: &str = "message.output_text.logprobs";

/// What is in the names of models that never think: they refuse to be asked for [`SEALED_THOUGHTS`].
const THOUGHTLESS: [&str; 4] = ["gpt-3.5", "gpt-4", "chatgpt-", "-chat-latest"];

/// The value of one parameter.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Parameter<'a> {
    Real(f64),
    Count(u32),
    Flag(bool),
    Text(Cow<'a, str>),
    Texts(Vec<&'a str>),
    Fields(Map<String, Value>),
}

/// What `request` says, by name; without the extras of other names.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn parameters(
    request: &ModelRequest,
) -> Result<Vec<(&'static str, Parameter<'_>)>, String> {
    let config = &request.config;
    let stops = config.stop.as_ref().is_some_and(|stop| !stop.is_empty());
    checks::unsaid(&[
        ("stop", stops),
        ("seed", config.seed.is_some()),
        ("presence_penalty", config.presence_penalty.is_some()),
        ("frequency_penalty", config.frequency_penalty.is_some()),
    ])?;
    let real = |value: Option<f64>| value.map(Parameter::Real);
    let alternatives = checks::alternatives(config)?;
    let include = Some(included(config)?).filter(|include| !include.is_empty());
    let said = [
        ("temperature", real(config.temperature)),
        ("top_p", real(config.top_p)),
        ("max_output_tokens", token_limit(config)?.map(Parameter::Count)),
        ("reasoning", joined(config, "reasoning", effort(config))?),
        ("text", joined(config, "text", format(config))?),
        ("top_logprobs", alternatives.map(|count| Parameter::Count(count.into()))),
        ("include", include.map(Parameter::Texts)),
        ("store", Some(Parameter::Flag(false))),
        ("prompt_cache_key", prompt_cache_key(request)),
    ];
    let said = said.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    said.map(finite).collect()
}

fn finite<'a>(
    (name, value): (&'static str, Parameter<'a>),
) -> Result<(&'static str, Parameter<'a>), String> {
    match value {
        Parameter::Real(number) => Ok((name, Parameter::Real(checks::finite(name, number)?))),
        value => Ok((name, value)),
    }
}

fn token_limit(config: &Config) -> Result<Option<u32>, String> {
    match config.max_tokens {
        Some(limit) if limit < TOKENS_MIN => {
            Err(format!("`max_tokens` is {limit}, this protocol takes {TOKENS_MIN} or more"))
        }
        limit => Ok(limit),
    }
}

fn effort(config: &Config) -> Map<String, Value> {
    let effort = config.reasoning_effort.as_deref();
    effort.map(|effort| ("effort".to_owned(), effort.into())).into_iter().collect()
}

fn format(config: &Config) -> Map<String, Value> {
    let format = |schema| {
        let strict = schema::can_be_strict(schema);
        json!({ "type": "json_schema", "name": "answer", "strict": strict, "schema": schema })
    };
    let schema = config.response_schema.as_ref();
    schema.map(|schema| ("format".to_owned(), format(schema))).into_iter().collect()
}

/// What the settings say in the object `name`, and what the extra of that name adds.
fn joined<'a>(
    config: &Config,
    name: &str,
    said: Map<String, Value>,
) -> Result<Option<Parameter<'a>>, String> {
    let fields = checks::merged(name, said, config.extras.get(name))?;
    Ok(Some(fields).filter(|fields| !fields.is_empty()).map(Parameter::Fields))
}

/// What the answer shall hold beside what is always in it: what the extra says, or thoughts that can be
/// sent back; with it what the settings need.
fn included(config: &Config) -> Result<Vec<&str>, String> {
    let mut include = match config.extras.get("include") {
        Some(Value::Array(texts)) => texts.iter().map(Value::as_str).collect(),
        Some(_) => None,
        None if thinks(config) => Some(vec![SEALED_THOUGHTS]),
        None => Some(Vec::new()),
    }
    .ok_or("the extra parameter `include` is no list of texts")?;
    if config.logprobs.is_some() && !include.contains(&LOGPROBS) {
        include.push(LOGPROBS);
    }
    Ok(include)
}

/// Whether the model may think, as far as its name tells.
fn thinks(config: &Config) -> bool {
    let model = config.model.as_deref().unwrap_or_default();
    !THOUGHTLESS.iter().any(|name| model.contains(name))
}

/// Which prompt cache the request should reach, unless the extras say so.
fn prompt_cache_key(request: &ModelRequest) -> Option<Parameter<'_>> {
    let is_said = request.config.extras.contains_key("prompt_cache_key");
    let key = (!is_said).then(|| cache_key(&request.cache)).flatten();
    key.map(Parameter::Text)
}
