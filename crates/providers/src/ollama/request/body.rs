//! What comes before the messages.

use branchwork_core::provider::{ModelRequest, ToolChoice, ToolSpec};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Map, Value, json};

use super::settings::{options, settings};
use crate::{checks, schema::Arguments};

/// Keys that are never taken from the extras, because the program says them in its own way.
const RESERVED: [&str; 4] = ["model", "messages", "stream", "tools"];

/// What a server would do by itself to a conversation that does not fit: leave out messages, or the
/// first half of what it reads.
const SHORTENED: [&str; 2] = ["truncate", "shift"];

/// The body of `request` up to its first message.
///
/// The extra `options` goes into that object, others are sent as they are.
///
/// # Errors
///
/// What is wrong with the request, as a clause.
pub(in crate::ollama) fn head(request: &ModelRequest) -> Result<Vec<u8>, String> {
    let model = checks::model(&request.config)?;
    checks::tool_choice(request, &[])?;
    let settings = settings(&request.config)?;
    check_extras(request, &settings)?;
    let extra = request.config.extras.get("options");
    let options = checks::merged("options", options(&request.config)?, extra)?;
    let body = Body { request, model, settings, options, tools: tools(request)? };
    let mut head = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
    // The messages go into the object.
    head.pop();
    head.extend_from_slice(b",\"messages\":[");
    Ok(head)
}

fn check_extras(request: &ModelRequest, written: &[(&str, Value)]) -> Result<(), String> {
    let said = written.iter().map(|(name, _)| *name);
    let mut extras = request.config.extras.keys();
    extras.try_for_each(|name| checks::extra(name, &RESERVED, said.clone()))
}

/// The tools on offer: none when none may be called, as there is no other way to say that.
fn tools(request: &ModelRequest) -> Result<Vec<Value>, String> {
    match request.tool_choice {
        ToolChoice::Required | ToolChoice::Named(_) => {
            Err("this protocol cannot say that a tool must be called, the model chooses".to_owned())
        }
        ToolChoice::None => Ok(Vec::new()),
        _ => Ok(request.tools.iter().map(tool).collect()),
    }
}

fn tool(spec: &ToolSpec) -> Value {
    let mut function = Map::from_iter([("name".to_owned(), json!(spec.name))]);
    if !spec.description.is_empty() {
        function.insert("description".to_owned(), json!(spec.description));
    }
    function.insert("parameters".to_owned(), json!(Arguments::from(spec)));
    json!({ "type": "function", "function": function })
}

struct Body<'a> {
    request: &'a ModelRequest,
    model: &'a str,
    settings: Vec<(&'static str, Value)>,
    options: Map<String, Value>,
    tools: Vec<Value>,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let extras = &self.request.config.extras;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", self.model)?;
        for (name, value) in &self.settings {
            map.serialize_entry(name, value)?;
        }
        if !self.options.is_empty() {
            map.serialize_entry("options", &self.options)?;
        }
        for (name, value) in extras.iter().filter(|(name, _)| *name != "options") {
            map.serialize_entry(name, value)?;
        }
        for name in SHORTENED.into_iter().filter(|name| !extras.contains_key(*name)) {
            map.serialize_entry(name, &false)?;
        }
        // The server streams unless told otherwise.
        map.serialize_entry("stream", &self.request.stream)?;
        if !self.tools.is_empty() {
            map.serialize_entry("tools", &self.tools)?;
        }
        map.end()
    }
}
