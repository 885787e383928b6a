//! Tools on offer, and whether they may be called.

use branchwork_core::provider::{ModelRequest, ToolChoice, ToolSpec};
use serde::Serialize;
use serde_json::{Value, json};

use super::names::is_tool_name;
use crate::{checks, wire::Place};

/// The extra parameter that holds tools which the server runs; they come after ours.
pub(super) const TOOLS: &str = "tools";

/// What is said after the messages when they hold calls and no tool is on offer: the API wants the tools
/// of a conversation with calls defined.
pub(super) const NO_TOOLS: &str = concat!(
    r#","tools":[{"name":"no_tools","description":"There are no tools any more.","#,
    r#""input_schema":{"type":"object"}}],"tool_choice":{"type":"none"}"#,
);

/// A tool as the protocol says it.
#[derive(Serialize)]
pub(super) struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    input_schema: Schema<'a>,
}

/// A tool without arguments may come without a schema; the API wants one for an object.
#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Given(&'a Value),
    Empty { r#type: &'static str },
}

impl<'a> From<&'a ToolSpec> for Tool<'a> {
    fn from(tool: &'a ToolSpec) -> Self {
        let input_schema = match &tool.parameters {
            Value::Object(fields) if !fields.is_empty() => Schema::Given(&tool.parameters),
            _ => Schema::Empty { r#type: "object" },
        };
        Tool { name: &tool.name, description: &tool.description, input_schema }
    }
}

/// Whether the request offers tools, ours or those that the server runs.
pub(super) fn has_tools(place: Place<'_>) -> bool {
    !place.tools.is_empty() || place.config.extras.contains_key(TOOLS)
}

/// The tools that the server runs.
///
/// # Errors
///
/// A clause, when they are no list.
pub(super) fn server_tools(request: &ModelRequest) -> Result<&[Value], String> {
    checks::list(TOOLS, request.config.extras.get(TOOLS))
}

/// Checks the tools and the choice among them.
///
/// # Errors
///
/// What is wrong with them, as a clause.
pub(super) fn check(request: &ModelRequest, thinks_with_budget: bool) -> Result<(), String> {
    if let Some(tool) = request.tools.iter().find(|tool| !is_tool_name(&tool.name)) {
        return Err(format!(
            "the tool `{}` has a name that this protocol does not take: 1 to 128 letters, digits, _ \
             and - are",
            tool.name
        ));
    }
    checks::tool_choice(request, server_tools(request)?)?;
    match &request.tool_choice {
        ToolChoice::Required | ToolChoice::Named(_) if thinks_with_budget => {
            Err("a tool cannot be required while the model thinks".to_owned())
        }
        _ => Ok(()),
    }
}

/// The choice; `None` for what the API does by itself.
pub(super) fn choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::None => Some(json!({ "type": "none" })),
        ToolChoice::Required => Some(json!({ "type": "any" })),
        ToolChoice::Named(name) => Some(json!({ "type": "tool", "name": name })),
        _ => None,
    }
}
