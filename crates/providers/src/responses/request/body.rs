//! What comes before the items.

use branchwork_core::provider::ModelRequest;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{
    parameters::{Parameter, parameters},
    tools::{Tools, choice},
};
use crate::checks;

/// Keys that are never taken from the extras, because the program says them in its own way: nothing is
/// kept on the server, and nothing that is there is pointed at.
const RESERVED: [&str; 8] = [
    "model",
    "input",
    "stream",
    "store",
    "tool_choice",
    "previous_response_id",
    "conversation",
    "background",
];

/// Extras that are joined with what the program says.
const JOINED: [&str; 4] = ["include", "reasoning", "text", "tools"];

/// The body of `request` up to its first item.
///
/// # Errors
///
/// What is wrong with the request, as a clause.
pub(in crate::responses) fn head(request: &ModelRequest) -> Result<Vec<u8>, String> {
    let model = checks::model(&request.config)?;
    let parameters = parameters(request)?;
    check_extras(request, &parameters)?;
    let body = Body { request, model, parameters, tools: Tools::of(request)? };
    let mut head = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
    // The items go into the object.
    head.pop();
    head.extend_from_slice(b",\"input\":[");
    Ok(head)
}

fn check_extras(request: &ModelRequest, written: &[(&str, Parameter<'_>)]) -> Result<(), String> {
    let said = written.iter().map(|(name, _)| *name);
    let extras = request.config.extras.keys().filter(|name| !JOINED.contains(&name.as_str()));
    let mut checked = extras.map(|name| checks::extra(name, &RESERVED, said.clone()));
    checked.try_for_each(|checked| checked)
}

struct Body<'a> {
    request: &'a ModelRequest,
    model: &'a str,
    parameters: Vec<(&'static str, Parameter<'a>)>,
    tools: Tools<'a>,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", self.model)?;
        for (name, value) in &self.parameters {
            map.serialize_entry(name, value)?;
        }
        let extras = self.request.config.extras.iter();
        for (name, value) in extras.filter(|(name, _)| !JOINED.contains(&name.as_str())) {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("stream", &self.request.stream)?;
        if !self.tools.is_empty() {
            map.serialize_entry("tools", &self.tools.list())?;
            if let Some(choice) = choice(&self.request.tool_choice) {
                map.serialize_entry("tool_choice", &choice)?;
            }
        }
        map.end()
    }
}
