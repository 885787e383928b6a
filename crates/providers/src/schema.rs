//! Whether the server can be asked to hold the model to a schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Whether every object in `schema` names all its fields as required and forbids others.
///
/// `OpenAI` guarantees the form of the answer for such schemas only, and refuses `strict` for
/// others.
pub(crate) fn can_be_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            is_closed(fields) && fields.iter().all(|(_, inner)| can_be_strict(inner))
        }
        Value::Array(items) => items.iter().all(can_be_strict),
        _ => true,
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
