//! The schema of an answer, in the part of JSON Schema that the API takes.
//!
//! Objects must be closed, and most limits of values are refused. As in the SDKs of Anthropic, what the
//! API does not take is told to the model in the description; whoever asked checks the answer anyway.
//! Which part that is: [structured outputs](https://platform.claude.com/docs/en/build-with-claude/structured-outputs).

use serde_json::{Map, Value, json};

/// Keywords that are taken as they are, whatever the type.
const TAKEN: [&str; 8] =
    ["$ref", "const", "default", "description", "enum", "required", "title", "type"];

/// Keywords that say nothing of the answer.
const SILENT: [&str; 4] = ["$comment", "$id", "$schema", "additionalProperties"];

/// Formats of texts that are taken.
const FORMATS: [&str; 10] =
    ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"];

/// `schema` as the API takes it.
///
/// # Errors
///
/// A clause, when it has an object whose fields have no names: the API could not fill it.
pub(super) fn fitted(schema: &Value) -> Result<Value, String> {
    let Value::Object(fields) = schema else { return Ok(schema.clone()) };
    let (mut taken, mut told) = (Map::new(), Vec::new());
    for (name, value) in fields {
        if let Some((name, value)) = fit(name, value, fields)? {
            taken.insert(name.to_owned(), value);
        } else if !SILENT.contains(&name.as_str()) {
            told.push(format!("{name}: {value}"));
        }
    }
    if is_object(fields) {
        close(fields, &mut taken)?;
    }
    if !told.is_empty() {
        let said = taken.get("description").and_then(Value::as_str);
        let said = said.map(|said| format!("{said}\n\n")).unwrap_or_default();
        let description = format!("{said}{{{}}}", told.join(", "));
        taken.insert("description".to_owned(), description.into());
    }
    Ok(Value::Object(taken))
}

/// A keyword as it is taken; `None` when it is not.
fn fit<'a>(
    name: &'a str,
    value: &Value,
    beside: &Map<String, Value>,
) -> Result<Option<(&'a str, Value)>, String> {
    let taken = match (name, value) {
        ("$defs" | "definitions" | "properties", Value::Object(schemas)) => {
            let fitted = schemas.iter().map(|(name, schema)| Ok((name.clone(), fitted(schema)?)));
            (name, Value::Object(fitted.collect::<Result<_, String>>()?))
        }
        ("allOf" | "anyOf", Value::Array(schemas)) => (name, all_fitted(schemas)?),
        ("oneOf", Value::Array(schemas)) if !beside.contains_key("anyOf") => {
            ("anyOf", all_fitted(schemas)?)
        }
        ("items", schema) => (name, fitted(schema)?),
        ("format", Value::String(format)) if FORMATS.contains(&format.as_str()) => {
            (name, value.clone())
        }
        ("minItems", Value::Number(count)) if matches!(count.as_u64(), Some(0 | 1)) => {
            (name, value.clone())
        }
        _ if TAKEN.contains(&name) => (name, value.clone()),
        _ => return Ok(None),
    };
    Ok(Some(taken))
}

fn all_fitted(schemas: &[Value]) -> Result<Value, String> {
    schemas.iter().map(fitted).collect()
}

/// Forbids fields without a name. An answer that has none satisfies the open schema, too.
fn close(schema: &Map<String, Value>, taken: &mut Map<String, Value>) -> Result<(), String> {
    let closed = json!(false);
    let has_names =
        taken.get("properties").and_then(Value::as_object).is_some_and(|names| !names.is_empty());
    if !has_names && schema.get("additionalProperties") != Some(&closed) {
        return Err(
            "this protocol takes no schema of an object whose fields have no names, such as \
                    a map, for the answer"
                .to_owned(),
        );
    }
    taken.insert("additionalProperties".to_owned(), closed);
    Ok(())
}

fn is_object(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => schema.contains_key("properties"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &Value, expected: &Value) {
        assert_eq!(fitted(schema).as_ref(), Ok(expected), "{schema}");
        assert_eq!(fitted(expected).as_ref(), Ok(expected), "what fits stays as it is");
    }

    #[test]
    fn what_the_api_takes_stays_as_it_is() {
        let schema = json!({
            "type": "object", "title": "Trip", "required": ["name"], "additionalProperties": false,
            "properties": {
                "name": { "type": "string", "format": "date", "description": "Where" },
                "legs": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/Leg" } },
                "kind": { "enum": ["a", "b"] },
                "nothing": { "type": "object", "additionalProperties": false },
            },
            "$defs": { "Leg": { "type": ["integer", "null"], "default": null } },
        });
        check(&schema, &schema);
    }

    #[test]
    fn objects_are_closed_and_limits_are_told_in_words() {
        let days = json!({ "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 });
        let told = json!({
            "type": "integer", "description": "{format: \"uint8\", maximum: 255, minimum: 0}",
        });
        check(
            &json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object", "properties": { "days": days },
            }),
            &json!({
                "type": "object", "properties": { "days": told }, "additionalProperties": false,
            }),
        );
        check(
            &json!({ "type": "array", "description": "Few", "maxItems": 3, "minItems": 2 }),
            &json!({ "type": "array", "description": "Few\n\n{maxItems: 3, minItems: 2}" }),
        );
        let either = json!([{ "type": "string" }, { "type": "null" }]);
        check(&json!({ "oneOf": either }), &json!({ "anyOf": either }));
        check(&json!(true), &json!(true));
    }

    #[test]
    fn an_object_whose_fields_have_no_names_is_refused() {
        for schema in [
            json!({ "type": "object" }),
            json!({ "type": ["object", "null"], "additionalProperties": { "type": "string" } }),
            json!({ "anyOf": [{ "type": "object", "properties": {} }] }),
            json!({ "$defs": { "Map": { "type": "object", "additionalProperties": true } } }),
        ] {
            let refused = fitted(&schema);
            assert!(refused.is_err_and(|problem| problem.contains("a map")), "{schema}");
        }
    }
}
