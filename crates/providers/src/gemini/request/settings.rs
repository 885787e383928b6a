//! The settings of a call, as `generationConfig`.

use branchwork_core::config::Config;
use serde_json::{Map, Value, json};

use crate::{
    checks,
    gemini::model::{Family, Model},
};

/// Texts at which an answer stops.
const STOP_TEXTS_MAX: usize = 5;

/// How many tokens a model before Gemini 3 may think, by the words for it that Google takes in the OpenAI
/// protocol.
const BUDGETS: [(&str, u32); 5] =
    [("none", 0), ("minimal", 1024), ("low", 1024), ("medium", 8192), ("high", 24576)];

/// What `config` says to `model`.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn generation_config(
    config: &Config,
    model: Model<'_>,
) -> Result<Map<String, Value>, String> {
    let schema = config.response_schema.as_ref();
    let said = [
        ("temperature", real("temperature", config.temperature)?),
        ("topP", real("top_p", config.top_p)?),
        ("maxOutputTokens", config.max_tokens.map(Value::from)),
        ("stopSequences", stop(config)?),
        ("seed", seed(config)?),
        ("presencePenalty", real("presence_penalty", config.presence_penalty)?),
        ("frequencyPenalty", real("frequency_penalty", config.frequency_penalty)?),
        ("responseMimeType", schema.map(|_| Value::from("application/json"))),
        ("responseJsonSchema", schema.cloned()),
        ("responseLogprobs", config.logprobs.map(|_| Value::from(true))),
        ("logprobs", checks::alternatives(config)?.map(Value::from)),
        ("thinkingConfig", thinking(config, model)?),
    ];
    let said = said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(said.collect())
}

fn real(name: &str, value: Option<f64>) -> Result<Option<Value>, String> {
    value.map(|number| checks::finite(name, number).map(Value::from)).transpose()
}

fn stop(config: &Config) -> Result<Option<Value>, String> {
    let Some(texts) = config.stop.as_deref().filter(|texts| !texts.is_empty()) else {
        return Ok(None);
    };
    if texts.len() > STOP_TEXTS_MAX {
        let count = texts.len();
        return Err(format!("`stop` has {count} texts, this protocol takes {STOP_TEXTS_MAX}"));
    }
    Ok(Some(json!(texts)))
}

fn seed(config: &Config) -> Result<Option<Value>, String> {
    let Some(seed) = config.seed else { return Ok(None) };
    let seed = i32::try_from(seed)
        .map_err(|_err| format!("`seed` is {seed}, this protocol takes 32 bits"))?;
    Ok(Some(seed.into()))
}

/// How much the model thinks: a number is a budget of tokens; a word is a level, which models before
/// Gemini 3 take as a budget. Thoughts are then told, as far as there are some.
fn thinking(config: &Config, model: Model<'_>) -> Result<Option<Value>, String> {
    let Some(effort) = config.reasoning_effort.as_deref() else { return Ok(None) };
    let budget = |tokens: i64| json!({ "thinkingBudget": tokens, "includeThoughts": tokens != 0 });
    let word = BUDGETS.iter().find(|(word, _)| effort.eq_ignore_ascii_case(word));
    Ok(Some(match (model.family(), effort.parse(), word) {
        // Gemma takes nothing else beside it.
        (Family::Gemma, ..) => json!({ "thinkingLevel": effort }),
        (_, Ok(tokens), _) => budget(tokens),
        (Family::Gemini3, ..) => json!({ "thinkingLevel": effort, "includeThoughts": true }),
        (Family::Before3, _, Some((_, tokens))) => budget((*tokens).into()),
        (Family::Before3, _, None) => {
            return Err(format!(
                "`reasoning_effort` is `{effort}`, this model takes none, minimal, low, medium, \
                 high or a number of tokens"
            ));
        }
    }))
}
