//! The list of models.

use branchwork_core::provider::ModelInfo;
use serde_json::Value;

/// Where servers say how many tokens a model reads and writes together.
const CONTEXT_FIELDS: [&str; 6] = [
    "context_length",
    "max_model_len",
    "context_window",
    "max_context_length",
    "loaded_context_length",
    "max_input_tokens",
];

/// Reads the list; `None` when the body is none.
///
/// An empty list may be `null`, and Together leaves out the object around it.
pub(crate) fn read(body: &[u8]) -> Option<Vec<ModelInfo>> {
    let body = serde_json::from_slice::<Value>(body).ok()?;
    let list = match &body {
        Value::Array(_) => &body,
        body => body.get("data")?,
    };
    match list {
        Value::Array(models) => Some(models.iter().filter_map(model).collect()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

fn model(value: &Value) -> Option<ModelInfo> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let count = |count: &Value| count.as_u64().and_then(|count| u32::try_from(count).ok());
    let said = CONTEXT_FIELDS.iter().find_map(|name| value.get(name).and_then(count));
    // llama.cpp: `n_ctx` is what the server was started with, unlike `n_ctx_train`.
    let meta = || value.get("meta")?.get("n_ctx").and_then(count);
    let context_tokens = said.or_else(meta).filter(|count| *count > 0);
    Some(ModelInfo { id: text("id")?, owner: text("owned_by"), context_tokens })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Listed<'a> = (&'a str, Option<&'a str>, Option<u32>);

    fn check(body: &str, expected: Option<&[Listed<'_>]>) {
        let info = |(id, owner, context_tokens): &Listed<'_>| ModelInfo {
            id: (*id).to_owned(),
            owner: owner.map(str::to_owned),
            context_tokens: *context_tokens,
        };
        let expected = expected.map(|models| models.iter().map(info).collect::<Vec<_>>());
        assert_eq!(read(body.as_bytes()), expected, "{body}");
    }

    #[test]
    fn lists_of_all_servers_are_read() {
        check(
            r#"{"object":"list","data":[{"id":"gpt-4o","owned_by":"openai"}]}"#,
            Some(&[("gpt-4o", Some("openai"), None)]),
        );
        check(r#"{"data":[{"id":"a","context_length":8192}]}"#, Some(&[("a", None, Some(8192))]));
        check(r#"{"data":[{"id":"a","max_model_len":4096}]}"#, Some(&[("a", None, Some(4096))]));
        check(
            r#"{"data":[{"id":"a","meta":{"n_ctx":512,"n_ctx_train":32768}}]}"#,
            Some(&[("a", None, Some(512))]),
        );
        check(r#"[{"id":"a","context_length":null}]"#, Some(&[("a", None, None)]));
        check(
            r#"{"data":[{"type":"model","id":"opus","max_input_tokens":200000,"max_tokens":64000}]}"#,
            Some(&[("opus", None, Some(200_000))]),
        );
        check(r#"{"object":"list","data":null}"#, Some(&[]));
        check(r#"{"data":[{"name":"no id"}]}"#, Some(&[]));
        for none in ["{}", "<html>", "\"text\"", r#"{"data":"x"}"#] {
            check(none, None);
        }
    }
}
