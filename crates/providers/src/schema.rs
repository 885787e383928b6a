//! The schemas of arguments and answers, as servers take them.

use std::collections::BTreeSet;

use branchwork_core::provider::ToolSpec;
use serde::Serialize;
use serde_json::{Map, Value};

/// The keywords beside those that hold schemas that strict schemas may have.
///
/// A schema with another one is refused when it is called strict: `default`, `oneOf`, `minLength`.
const KEYWORDS: [&str; 17] = [
    "$ref",
    "$schema",
    "additionalProperties",
    "const",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "title",
    "type",
];

/// The formats of texts that strict schemas may name.
const FORMATS: [&str; 9] =
    ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"];

/// The schema of the arguments of a tool. One without arguments may come without a schema; servers want
/// one for an object.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Arguments<'a> {
    Given(&'a Value),
    Empty { r#type: &'static str, properties: NoFields },
}

/// An empty JSON object.
#[derive(Serialize)]
pub(crate) struct NoFields {}

impl<'a> From<&'a ToolSpec> for Arguments<'a> {
    fn from(tool: &'a ToolSpec) -> Self {
        match &tool.parameters {
            Value::Object(fields) if !fields.is_empty() => Self::Given(&tool.parameters),
            _ => Self::Empty { r#type: "object", properties: NoFields {} },
        }
    }
}

/// Whether every object in `schema` names all its fields as required and forbids others, and no
/// keyword is used that strict schemas may not have.
///
/// `OpenAI` guarantees the form of the answer for such schemas only, and refuses `strict` for
/// others (<https://platform.openai.com/docs/guides/structured-outputs>, "Supported schemas").
pub(crate) fn can_be_strict(schema: &Value) -> bool {
    let Value::Object(fields) = schema else { return false };
    let is_told =
        ["type", "anyOf", "$ref", "enum", "const"].iter().any(|key| fields.contains_key(*key));
    is_told && is_closed(fields) && fields.iter().all(|(name, value)| is_kept(name, value))
}

/// Whether a strict schema may say `value` under the keyword `name`.
fn is_kept(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("properties" | "$defs" | "definitions", Value::Object(schemas)) => {
            schemas.iter().all(|(_, schema)| can_be_strict(schema))
        }
        ("anyOf", Value::Array(schemas)) => schemas.iter().all(can_be_strict),
        ("items", schema) => can_be_strict(schema),
        ("format", Value::String(format)) => FORMATS.contains(&format.as_str()),
        (name, _) => KEYWORDS.contains(&name),
    }
}

fn is_closed(schema: &Map<String, Value>) -> bool {
    let is_object = match schema.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => false,
    };
    if !is_object {
        return true;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let (Some(properties), Some(required)) = (properties, required) else { return false };
    let named: BTreeSet<_> = properties.keys().map(String::as_str).collect();
    let required: BTreeSet<_> = required.iter().filter_map(Value::as_str).collect();
    named == required && schema.get("additionalProperties") == Some(&Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(fields: &Value) -> Value {
        let required: Vec<_> = fields.as_object().expect("an object").keys().collect();
        json!({
            "type": "object", "properties": fields, "required": required,
            "additionalProperties": false,
        })
    }

    #[test]
    fn schemas_whose_objects_are_all_closed_can_be_strict() {
        let inner = object(&json!({ "age": { "type": ["integer", "null"] } }));
        assert!(can_be_strict(&object(&json!({ "people": { "type": "array", "items": inner } }))));
        assert!(can_be_strict(&json!({ "type": "string" })));
        let choice = json!({ "anyOf": [{ "type": "null" }, { "enum": ["a"] }], "title": "t" });
        assert!(can_be_strict(&object(&json!({ "type": choice, "format": { "const": 1 } }))));
        assert!(can_be_strict(&json!({ "type": "string", "format": "date-time" })));
    }

    #[test]
    fn a_keyword_that_strict_schemas_may_not_have_keeps_a_schema_from_being_strict() {
        for field in [
            json!({ "type": "string", "minLength": 1 }),
            json!({ "type": "string", "format": "uri" }),
            json!({ "type": "integer", "format": "uint32" }),
            json!({ "type": "integer", "default": 1 }),
            json!({ "oneOf": [{ "type": "string" }] }),
            json!({ "description": "anything" }),
            json!(true),
            json!({}),
        ] {
            assert!(!can_be_strict(&object(&json!({ "a": field }))), "{field}");
            assert!(!can_be_strict(&json!({ "type": "array", "items": field })), "{field}");
        }
    }

    #[test]
    fn an_open_object_anywhere_keeps_a_schema_from_being_strict() {
        let open = json!({ "type": "object", "properties": { "age": { "type": "integer" } } });
        assert!(!can_be_strict(&open));
        assert!(!can_be_strict(&object(&json!({ "person": open }))));
        assert!(!can_be_strict(&json!({ "anyOf": [{ "type": "string" }, open] })));
        let mut optional = object(&json!({ "a": {}, "b": {} }));
        optional["required"] = json!(["a"]);
        assert!(!can_be_strict(&optional));
        assert!(!can_be_strict(&json!({ "type": ["object", "null"] })));
    }
}
