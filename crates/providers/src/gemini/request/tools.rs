//! Tools on offer, and which of them must be called.

use branchwork_core::provider::{ModelRequest, ToolChoice, ToolSpec};
use serde_json::{Map, Value, json};

use super::names;

/// The tools on offer as function declarations, and those that the server runs.
///
/// # Errors
///
/// That a name is none the protocol can say.
pub(super) fn tools(specs: &[ToolSpec], hosted: &[Value]) -> Result<Vec<Value>, String> {
    let mut tools = Vec::new();
    if !specs.is_empty() {
        let declarations = specs.iter().map(declaration).collect::<Result<Vec<_>, _>>()?;
        tools.push(json!({ "functionDeclarations": declarations }));
    }
    tools.extend(hosted.iter().cloned());
    Ok(tools)
}

/// The arguments are told as a JSON Schema; the older `parameters` refuse most of its words. A tool
/// without arguments has none.
fn declaration(spec: &ToolSpec) -> Result<Value, String> {
    if !names::is_legal(&spec.name) {
        return Err(format!(
            "the tool `{}` cannot be on offer here: a name begins with a letter or `_` and has \
             letters, digits and `_.:-` only, {} at most",
            spec.name,
            names::NAME_LEN_MAX,
        ));
    }
    let mut declaration = Map::from_iter([("name".to_owned(), json!(spec.name))]);
    if !spec.description.is_empty() {
        declaration.insert("description".to_owned(), json!(spec.description));
    }
    if spec.parameters.as_object().is_some_and(|schema| !schema.is_empty()) {
        declaration.insert("parametersJsonSchema".to_owned(), spec.parameters.clone());
    }
    Ok(Value::Object(declaration))
}

/// What `toolConfig` says of the choice; nothing for what the server does by itself.
pub(super) fn config(request: &ModelRequest) -> Map<String, Value> {
    let calling = match &request.tool_choice {
        ToolChoice::None if !request.tools.is_empty() => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Named(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
        _ => return Map::new(),
    };
    Map::from_iter([("functionCallingConfig".to_owned(), calling)])
}
