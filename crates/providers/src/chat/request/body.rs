//! What comes before the messages.

use std::borrow::Cow;

use branchwork_core::provider::{ModelRequest, ToolChoice, ToolSpec};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::parameters::{Parameter, parameters};
use crate::{
    cache_key::cache_key,
    checks,
    dialect::{CacheKey, Dialect, StreamUsage},
    schema::Arguments,
};

/// Keys that are never taken from the extras, because the program says them in its own way.
const RESERVED: [&str; 6] = ["model", "messages", "stream", "tools", "tool_choice", "n"];

/// The body of `request` up to its first message, in the words of `dialect`.
///
/// # Errors
///
/// What is wrong with the request, as a clause.
pub(in crate::chat) fn head(request: &ModelRequest, dialect: Dialect) -> Result<Vec<u8>, String> {
    let model = checks::model(&request.config)?;
    let parameters = parameters(&request.config, dialect)?;
    check_extras(request, &parameters)?;
    checks::tool_choice(request, &[])?;
    let body = Body { request, dialect, model, parameters };
    let mut head = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
    // The messages go into the object.
    head.pop();
    head.extend_from_slice(b",\"messages\":[");
    Ok(head)
}

fn check_extras(request: &ModelRequest, written: &[(&str, Parameter<'_>)]) -> Result<(), String> {
    let said = written.iter().map(|(name, _)| *name);
    let mut extras = request.config.extras.keys();
    extras.try_for_each(|name| checks::extra(name, &RESERVED, said.clone()))
}

struct Body<'a> {
    request: &'a ModelRequest,
    dialect: Dialect,
    model: &'a str,
    parameters: Vec<(&'static str, Parameter<'a>)>,
}

impl Body<'_> {
    /// Which prompt cache the request should reach, unless the extras say so.
    fn cache_key(&self) -> Option<Cow<'_, str>> {
        let is_said = self.request.config.extras.contains_key("prompt_cache_key");
        let is_sent = self.dialect.cache_key == CacheKey::Sent && !is_said;
        is_sent.then(|| cache_key(&self.request.cache)).flatten()
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", self.model)?;
        for (name, value) in &self.parameters {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in &request.config.extras {
            map.serialize_entry(name, value)?;
        }
        if let Some(key) = self.cache_key() {
            map.serialize_entry("prompt_cache_key", &key)?;
        }
        map.serialize_entry("stream", &request.stream)?;
        let asks_usage = self.dialect.stream_usage == StreamUsage::Asked;
        if request.stream && asks_usage && !request.config.extras.contains_key("stream_options") {
            map.serialize_entry("stream_options", &StreamOptions { include_usage: true })?;
        }
        if request.choices > 1 {
            map.serialize_entry("n", &request.choices)?;
        }
        if !request.tools.is_empty() {
            let tools: Vec<_> = request.tools.iter().map(Tool::from).collect();
            map.serialize_entry("tools", &tools)?;
            if let Some(choice) = choice(&request.tool_choice) {
                map.serialize_entry("tool_choice", &choice)?;
            }
        }
        map.end()
    }
}

/// `None` for what servers do by themselves.
fn choice(choice: &ToolChoice) -> Option<Choice<'_>> {
    match choice {
        ToolChoice::None => Some(Choice::Mode("none")),
        ToolChoice::Required => Some(Choice::Mode("required")),
        ToolChoice::Named(name) => {
            Some(Choice::Function { r#type: "function", function: Named { name } })
        }
        _ => None,
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Mode(&'static str),
    Function { r#type: &'static str, function: Named<'a> },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    parameters: Arguments<'a>,
}

impl<'a> From<&'a ToolSpec> for Tool<'a> {
    fn from(tool: &'a ToolSpec) -> Self {
        let parameters = Arguments::from(tool);
        let function = Function { name: &tool.name, description: &tool.description, parameters };
        Tool { r#type: "function", function }
    }
}
