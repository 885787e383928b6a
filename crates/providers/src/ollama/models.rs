//! The list of models.

use branchwork_core::provider::ModelInfo;
use serde_json::Value;

/// Reads the list of the models that are there; `None` when the body is none. How much they read
/// depends on how they are loaded, so it is not said.
pub(super) fn read(body: &[u8]) -> Option<Vec<ModelInfo>> {
    let body = serde_json::from_slice::<Value>(body).ok()?;
    match body.get("models")? {
        Value::Array(models) => Some(models.iter().filter_map(model).collect()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

fn model(value: &Value) -> Option<ModelInfo> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = text("model").or_else(|| text("name"))?;
    Some(ModelInfo { id, owner: None, context_tokens: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_listed_by_their_names() {
        let check = |body: &str, expected: Option<&[&str]>| {
            let models = read(body.as_bytes());
            let ids = models.as_ref().map(|models| models.iter().map(|model| &*model.id));
            assert_eq!(ids.map(Iterator::collect::<Vec<_>>).as_deref(), expected, "{body}");
        };
        check(
            r#"{"models":[{"name":"a:latest","model":"a:latest","size":1}]}"#,
            Some(&["a:latest"]),
        );
        check(r#"{"models":[{"name":"old"},{"size":1}]}"#, Some(&["old"]));
        check(r#"{"models":null}"#, Some(&[]));
        for none in ["{}", "[]", "Ollama is running", r#"{"models":"x"}"#] {
            check(none, None);
        }
    }
}
