//! What several protocols check of a request, and how settings and extras go together, said in the same
//! words by all.

use branchwork_core::{
    config::Config,
    provider::{ModelRequest, ToolChoice},
};
use serde_json::{Map, Value};

/// The model that is asked.
///
/// # Errors
///
/// That none is chosen.
pub(crate) fn model(config: &Config) -> Result<&str, String> {
    let model = config.model.as_deref().filter(|model| !model.trim().is_empty());
    model.ok_or_else(|| "no model is chosen".to_owned())
}

/// Checks that a tool that must be called is on offer. `hosted` are those that the server runs: they can be
/// required, and have no names of ours.
///
/// # Errors
///
/// That it is not.
pub(crate) fn tool_choice(request: &ModelRequest, hosted: &[Value]) -> Result<(), String> {
    match &request.tool_choice {
        ToolChoice::Required if request.tools.is_empty() && hosted.is_empty() => {
            Err("a tool is required and none is on offer".to_owned())
        }
        ToolChoice::Named(name) if !request.tools.iter().any(|tool| tool.name == *name) => {
            Err(format!("the tool `{name}` is required and not on offer"))
        }
        _ => Ok(()),
    }
}

/// Alternatives of a token that servers tell with their log probabilities.
const LOGPROBS_MAX: u8 = 20;

/// How many alternatives of each token shall be told; `None` for none.
///
/// # Errors
///
/// That it is more than servers tell.
pub(crate) fn alternatives(config: &Config) -> Result<Option<u8>, String> {
    match config.logprobs {
        Some(count) if count > LOGPROBS_MAX => {
            Err(format!("`logprobs` is {count}, this protocol takes {LOGPROBS_MAX} at most"))
        }
        count => Ok(count.filter(|count| *count > 0)),
    }
}

/// Refuses settings that the protocol has no words for: a name each, and whether it is set.
///
/// # Errors
///
/// That one of them is.
pub(crate) fn unsaid(settings: &[(&str, bool)]) -> Result<(), String> {
    match settings.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => Err(format!("this protocol has no `{name}`")),
        None => Ok(()),
    }
}

/// Checks that JSON can say `number`, the value of the parameter `name`.
///
/// # Errors
///
/// That it cannot.
pub(crate) fn finite(name: &str, number: f64) -> Result<f64, String> {
    if number.is_finite() {
        return Ok(number);
    }
    Err(format!("`{name}` is {number}, which JSON cannot say"))
}

/// The list that the extra parameter `name` holds; an empty one where there is no such extra.
///
/// # Errors
///
/// That it is no list.
pub(crate) fn list<'a>(name: &str, extra: Option<&'a Value>) -> Result<&'a [Value], String> {
    match extra {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("the extra parameter `{name}` is no list")),
    }
}

/// Checks that `name` can be an extra parameter: neither one of those that the program says in its own way
/// nor one of `said`, which the settings say.
///
/// # Errors
///
/// That it cannot.
pub(crate) fn extra<'a>(
    name: &str,
    reserved: &[&str],
    said: impl IntoIterator<Item = &'a str>,
) -> Result<(), String> {
    if reserved.contains(&name) {
        return Err(format!("`{name}` cannot be an extra parameter"));
    }
    if said.into_iter().any(|said| said == name) {
        return Err(said_by_a_setting(name));
    }
    Ok(())
}

/// What the settings say in the object `name`, and what the extras say there.
///
/// # Errors
///
/// That the extra is no object, or says what a setting says.
pub(crate) fn merged(
    name: &str,
    mut said: Map<String, Value>,
    extra: Option<&Value>,
) -> Result<Map<String, Value>, String> {
    let Some(extra) = extra else { return Ok(said) };
    let Value::Object(fields) = extra else {
        return Err(format!("the extra parameter `{name}` is no object"));
    };
    for (field, value) in fields {
        if said.insert(field.clone(), value.clone()).is_some() {
            return Err(said_by_a_setting(&format!("{name}.{field}")));
        }
    }
    Ok(said)
}

/// That an extra says what a setting says.
fn said_by_a_setting(name: &str) -> String {
    format!("the extra parameter `{name}` is already said by a setting")
}
