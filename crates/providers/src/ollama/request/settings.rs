//! The settings of a call: those of the request, and the `options` of the model.

use branchwork_core::config::Config;
use serde_json::{Map, Value, json};

use crate::checks;

/// What `config` says beside the options, by name.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn settings(config: &Config) -> Result<Vec<(&'static str, Value)>, String> {
    let said = [
        ("format", config.response_schema.clone()),
        ("think", config.reasoning_effort.as_deref().map(think)),
        ("logprobs", config.logprobs.map(|_| true.into())),
        ("top_logprobs", checks::alternatives(config)?.map(Value::from)),
    ];
    Ok(said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// A level in the words of the model, or whether it thinks at all.
fn think(effort: &str) -> Value {
    match effort {
        "true" => true.into(),
        "false" | "none" => false.into(),
        level => level.into(),
    }
}

/// What `config` says of the options.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn options(config: &Config) -> Result<Map<String, Value>, String> {
    let real = |name: &str, value: Option<f64>| {
        value.map(|number| checks::finite(name, number).map(Value::from)).transpose()
    };
    let stop = config.stop.as_deref().filter(|stop| !stop.is_empty());
    let said = [
        ("temperature", real("temperature", config.temperature)?),
        ("top_p", real("top_p", config.top_p)?),
        ("num_predict", config.max_tokens.map(Value::from)),
        ("stop", stop.map(|stop| json!(stop))),
        ("seed", config.seed.map(Value::from)),
        ("presence_penalty", real("presence_penalty", config.presence_penalty)?),
        ("frequency_penalty", real("frequency_penalty", config.frequency_penalty)?),
    ];
    let said = said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(said.collect())
}
