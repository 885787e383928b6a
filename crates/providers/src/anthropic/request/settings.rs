//! The settings of a call, in the words of the protocol and in a fixed order.

use branchwork_core::config::Config;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cache::CACHE_CONTROL,
    schema,
    thinking::{Mode, Thinking},
    tools::TOOLS,
};
use crate::checks;

/// Keys that are never taken from the extras, because the program says them in its own way.
const RESERVED: [&str; 6] = ["model", "max_tokens", "messages", "stream", "system", "tool_choice"];

/// The extra parameter that takes the place of what [`Thinking`] makes.
const THINKING: &str = "thinking";

/// The parameter that several settings, and extras, have a part of.
const OUTPUT_CONFIG: &str = "output_config";

/// The smallest `top_p` while a model thinks.
const THINKING_TOP_P_MIN: f64 = 0.95;

/// The value of one parameter.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Parameter<'a> {
    Real(f64),
    Count(u32),
    Texts(&'a [String]),
    Thinking(Mode),
    Object(Map<String, Value>),
    Extra(&'a Value),
}

/// The settings, by name.
pub(super) struct Settings<'a> {
    pub(super) parameters: Vec<(&'a str, Parameter<'a>)>,
    /// Whether the model thinks with a number of tokens, which allows no forced call.
    pub(super) thinks_with_budget: bool,
}

impl<'a> Settings<'a> {
    /// What `config` says.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a clause.
    pub(super) fn of(config: &'a Config) -> Result<Self, String> {
        checks::unsaid(&[
            ("seed", config.seed.is_some()),
            ("presence_penalty", config.presence_penalty.is_some()),
            ("frequency_penalty", config.frequency_penalty.is_some()),
            ("logprobs", config.logprobs.is_some()),
        ])?;
        let own_thinking = config.extras.contains_key(THINKING);
        let Thinking { mode, effort, max_tokens } = Thinking::of(config)?;
        let mode = mode.filter(|_| !own_thinking);
        check_sampling(config, mode)?;
        let stop = config.stop.as_deref().filter(|stop| !stop.is_empty());
        let said = [
            ("max_tokens", Some(Parameter::Count(max_tokens))),
            ("temperature", config.temperature.map(Parameter::Real)),
            ("top_p", config.top_p.map(Parameter::Real)),
            ("stop_sequences", stop.map(Parameter::Texts)),
            (THINKING, mode.map(Parameter::Thinking)),
            (OUTPUT_CONFIG, output_config(config, effort)?.map(Parameter::Object)),
        ];
        let said = said.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut parameters: Vec<_> = said.collect();
        for (name, value) in &config.extras {
            let said = parameters.iter().map(|(name, _)| *name);
            checks::extra(name, &RESERVED, said.filter(|name| *name != OUTPUT_CONFIG))?;
            if !matches!(name.as_str(), CACHE_CONTROL | OUTPUT_CONFIG | TOOLS) {
                parameters.push((name, Parameter::Extra(value)));
            }
        }
        let thinks_with_budget = matches!(mode, Some(Mode::Enabled { .. }));
        Ok(Self { parameters, thinks_with_budget })
    }
}

fn check_sampling(config: &Config, mode: Option<Mode>) -> Result<(), String> {
    for (name, value) in [("temperature", config.temperature), ("top_p", config.top_p)] {
        if let Some(value) = value.filter(|value| !(0.0..=1.0).contains(value)) {
            return Err(format!("`{name}` is {value}, and this protocol takes 0 to 1"));
        }
    }
    if config.stop.iter().flatten().any(|stop| stop.trim().is_empty()) {
        return Err("a text to stop at is blank, which this protocol does not take".to_owned());
    }
    if !mode.is_some_and(Mode::is_on) {
        return Ok(());
    }
    if let Some(value) = config.temperature.filter(|value| *value < 1.0) {
        return Err(format!("`temperature` is {value}, and a model that thinks takes 1 only"));
    }
    if let Some(value) = config.top_p.filter(|value| *value < THINKING_TOP_P_MIN) {
        return Err(format!(
            "`top_p` is {value}, and a model that thinks takes {THINKING_TOP_P_MIN} to 1"
        ));
    }
    Ok(())
}

/// The effort and the schema of the answer, and what the extras say beside them.
fn output_config(
    config: &Config,
    effort: Option<&str>,
) -> Result<Option<Map<String, Value>>, String> {
    let mut output = Map::new();
    output.extend(effort.map(|effort| ("effort".to_owned(), effort.into())));
    if let Some(schema) = &config.response_schema {
        let mut format = Map::new();
        format.insert("type".to_owned(), "json_schema".into());
        format.insert("schema".to_owned(), schema::fitted(schema)?);
        output.insert("format".to_owned(), format.into());
    }
    let output = checks::merged(OUTPUT_CONFIG, output, config.extras.get(OUTPUT_CONFIG))?;
    Ok(Some(output).filter(|output| !output.is_empty()))
}
