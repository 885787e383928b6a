//! What comes before the turns.

use std::collections::BTreeMap;

use branchwork_core::{config::Config, provider::ModelRequest};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Map, Value};

use super::{settings::generation_config, tools};
use crate::{checks, gemini::model::Model};

/// Keys that are never taken from the extras, because the program says them in its own way.
const RESERVED: [&str; 4] = ["model", "contents", "systemInstruction", "stream"];

/// How many answers are given, which the program says in its own way.
const ANSWERS: &str = "candidateCount";

/// The body of `request` up to its first turn.
///
/// The extras `generationConfig` and `toolConfig` go into those objects, `tools` behind the tools on
/// offer; others are sent as they are.
///
/// # Errors
///
/// What is wrong with the request, as a clause.
pub(in crate::gemini) fn head(request: &ModelRequest) -> Result<Vec<u8>, String> {
    checks::model(&request.config)?;
    checks::tool_choice(request, &[])?;
    let mut extras = extras(&request.config)?;
    let said = generation_config(&request.config, Model::of(&request.config))?;
    let mut generation_config = take_into(&mut extras, "generationConfig", said)?;
    if generation_config.contains_key(ANSWERS) {
        return Err(format!("`generationConfig.{ANSWERS}` cannot be an extra parameter"));
    }
    if request.choices > 1 {
        generation_config.insert(ANSWERS.to_owned(), request.choices.into());
    }
    let hosted = checks::list("tools", take(&mut extras, "tools"))?;
    let head = Head {
        generation_config,
        tools: tools::tools(&request.tools, hosted)?,
        tool_config: take_into(&mut extras, "toolConfig", tools::config(request))?,
        extras,
    };
    let mut head = serde_json::to_vec(&head).map_err(|error| error.to_string())?;
    // The turns go into the object.
    head.pop();
    if head.len() > 1 {
        head.push(b',');
    }
    Ok(head)
}

/// An extra by its usual name, with the name as it was given.
type Extras<'a> = BTreeMap<String, (&'a str, &'a Value)>;

/// The extras of `config`. The server takes `generation_config` for `generationConfig`, so we do.
fn extras(config: &Config) -> Result<Extras<'_>, String> {
    let mut extras = Extras::new();
    for (key, value) in &config.extras {
        let name = camel(key);
        if RESERVED.contains(&name.as_str()) {
            return Err(format!("`{key}` cannot be an extra parameter"));
        }
        if extras.insert(name, (key, value)).is_some() {
            return Err(format!("the extra parameter `{key}` is given under two names"));
        }
    }
    Ok(extras)
}

fn take<'a>(extras: &mut Extras<'a>, name: &str) -> Option<&'a Value> {
    extras.remove(name).map(|(_, value)| value)
}

fn take_into(
    extras: &mut Extras<'_>,
    name: &str,
    said: Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    checks::merged(name, said, take(extras, name))
}

/// `some_name` as `someName`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut camel, word| {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel + letters.as_str()
    })
}

struct Head<'a> {
    generation_config: Map<String, Value>,
    tools: Vec<Value>,
    tool_config: Map<String, Value>,
    extras: Extras<'a>,
}

impl Serialize for Head<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.generation_config.is_empty() {
            map.serialize_entry("generationConfig", &self.generation_config)?;
        }
        for (name, value) in self.extras.values() {
            map.serialize_entry(name, value)?;
        }
        if !self.tools.is_empty() {
            map.serialize_entry("tools", &self.tools)?;
        }
        if !self.tool_config.is_empty() {
            map.serialize_entry("toolConfig", &self.tool_config)?;
        }
        map.end()
    }
}
