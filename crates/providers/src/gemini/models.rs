//! The list of models.

use branchwork_core::provider::ModelInfo;
use serde_json::Value;

/// Where the list is. A page holds as many as the server allows, which is more than there are.
pub(super) const PATH: &str = "/models?pageSize=1000";

/// What a model must be able to do to be in the list: others draw, embed or count.
const METHOD: &str = "generateContent";

/// Reads the list; `None` when the body is none.
pub(super) fn read(body: &[u8]) -> Option<Vec<ModelInfo>> {
    let body = serde_json::from_slice::<Value>(body).ok()?;
    let models = body.get("models")?.as_array()?;
    Some(models.iter().filter(|model| answers(model)).filter_map(info).collect())
}

fn answers(model: &Value) -> bool {
    let methods = model.get("supportedGenerationMethods").and_then(Value::as_array);
    methods.is_none_or(|methods| methods.iter().any(|method| method == METHOD))
}

fn info(model: &Value) -> Option<ModelInfo> {
    let name = model.get("name")?.as_str()?;
    let limit = model.get("inputTokenLimit").and_then(Value::as_u64);
    Some(ModelInfo {
        id: name.strip_prefix("models/").unwrap_or(name).to_owned(),
        owner: None,
        context_tokens: limit.and_then(|limit| u32::try_from(limit).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn models_that_answer_are_listed_by_the_name_that_users_give() {
        let models = read(&fixture("gemini/models.json")).expect("it is a list");
        let listed: Vec<_> =
            models.iter().map(|model| (&*model.id, model.context_tokens)).collect();
        assert_eq!(
            listed,
            [("gemini-2.5-flash", Some(1_048_576)), ("gemini-3-flash-preview", Some(1_048_576))]
        );
        let tuned = read(br#"{"models":[{"name":"tunedModels/mine"}]}"#);
        assert_eq!(tuned.map(|models| models[0].id.clone()).as_deref(), Some("tunedModels/mine"));
        for none in ["{}", "[]", "<html>", r#"{"models":"x"}"#] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
    }
}
