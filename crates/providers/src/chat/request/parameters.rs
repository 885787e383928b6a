//! The settings of a call, in the words of the protocol and in a fixed order.

use branchwork_core::config::Config;
use serde::Serialize;
use serde_json::Value;

use crate::{
    checks,
    dialect::{Dialect, SchemaSupport, SeedName, TokenLimit},
    schema,
};

/// The value of one parameter.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Parameter<'a> {
    Real(f64),
    Count(u32),
    Seed(i64),
    Flag(bool),
    Text(&'a str),
    Texts(&'a [String]),
    Format(ResponseFormat<'a>),
}

/// That the answer shall satisfy a schema.
#[derive(Serialize)]
pub(super) struct ResponseFormat<'a> {
    r#type: &'static str,
    json_schema: JsonSchema<'a>,
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'static str,
    strict: bool,
    schema: &'a Value,
}

/// What `config` says, by name.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn parameters(
    config: &Config,
    dialect: Dialect,
) -> Result<Vec<(&'static str, Parameter<'_>)>, String> {
    let seed = match dialect.seed {
        SeedName::Seed => "seed",
        SeedName::RandomSeed => "random_seed",
    };
    let limit = match dialect.token_limit {
        TokenLimit::MaxTokens => "max_tokens",
        TokenLimit::MaxCompletionTokens => "max_completion_tokens",
    };
    let real = |value: Option<f64>| value.map(Parameter::Real);
    let stop = config.stop.as_deref().filter(|stop| !stop.is_empty());
    let alternatives = config.logprobs.filter(|count| *count > 0);
    let said = [
        ("temperature", real(config.temperature)),
        ("top_p", real(config.top_p)),
        (limit, config.max_tokens.map(Parameter::Count)),
        ("stop", stop.map(Parameter::Texts)),
        (seed, config.seed.map(Parameter::Seed)),
        ("presence_penalty", real(config.presence_penalty)),
        ("frequency_penalty", real(config.frequency_penalty)),
        ("reasoning_effort", config.reasoning_effort.as_deref().map(Parameter::Text)),
        ("response_format", response_format(config, dialect)?.map(Parameter::Format)),
        ("logprobs", config.logprobs.map(|_| Parameter::Flag(true))),
        ("top_logprobs", alternatives.map(|count| Parameter::Count(count.into()))),
    ];
    let said = said.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    said.map(finite).collect()
}

fn finite<'a>(
    (name, value): (&'static str, Parameter<'a>),
) -> Result<(&'static str, Parameter<'a>), String> {
    if let Parameter::Real(number) = value {
        checks::finite(name, number)?;
    }
    Ok((name, value))
}

fn response_format(
    config: &Config,
    dialect: Dialect,
) -> Result<Option<ResponseFormat<'_>>, String> {
    let Some(schema) = &config.response_schema else { return Ok(None) };
    if dialect.schema == SchemaSupport::Unsupported {
        return Err("this server takes no JSON Schema for the answer".to_owned());
    }
    let strict = schema::can_be_strict(schema);
    let json_schema = JsonSchema { name: "answer", strict, schema };
    Ok(Some(ResponseFormat { r#type: "json_schema", json_schema }))
}
