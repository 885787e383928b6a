//! What a call gave, as a model is shown it.

use branchwork_core::{
    secret::{Secret, redact},
    tool::ToolError,
};
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

/// Letters of a failure that a model is told: enough for a trace, not for a file.
const FAILURE_CHARS_MAX: usize = 16 * 1024;

/// The output of a call.
///
/// Structured content, which says what the text beside it says, in a form; else the text; else, when there
/// are images, sounds or resources, all of it as JSON.
///
/// # Errors
///
/// What the server says went wrong, without `secrets`.
pub(crate) fn output(result: CallToolResult, secrets: &[Secret]) -> Result<Value, ToolError> {
    let CallToolResult { content, structured_content, is_error, .. } = result;
    let texts: Vec<&str> =
        content.iter().filter_map(|block| Some(block.as_text()?.text.as_str())).collect();
    let all_text = texts.len() == content.len();
    let text = texts.join("\n");
    if is_error == Some(true) {
        let said = structured_content.filter(|_| text.trim().is_empty());
        let said = said.map_or(text, |structured| structured.to_string());
        return Err(failure(&redact(&said, secrets)));
    }
    if all_text {
        return Ok(structured_content.unwrap_or(Value::String(text)));
    }
    let content = blocks(&content)?;
    Ok(match structured_content {
        Some(structured) => json!({ "content": content, "structured": structured }),
        None => content,
    })
}

fn failure(text: &str) -> ToolError {
    if text.trim().is_empty() {
        return ToolError::new("the tool failed and did not say why");
    }
    match text.char_indices().nth(FAILURE_CHARS_MAX) {
        Some((end, _)) => {
            let (shown, rest) = text.split_at(end);
            ToolError::new(format!("{shown} … and {} bytes more", rest.len()))
        }
        None => ToolError::new(text),
    }
}

fn blocks(content: &[ContentBlock]) -> Result<Value, ToolError> {
    serde_json::to_value(content).map_err(|error| {
        ToolError::new(format!("the tool ran, and what it gave has no JSON form: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: Value, expected: Result<Value, &str>) {
        let result = serde_json::from_value(result).unwrap();
        let given = output(result, &[Secret::new("key-1")]).map_err(|error| error.to_string());
        assert_eq!(given, expected.map_err(str::to_owned));
    }

    #[test]
    fn text_structure_images_and_failures_are_told() {
        let text = |text: &str| json!({ "type": "text", "text": text });
        let image = json!({ "type": "image", "data": "aGk=", "mimeType": "image/png" });
        check(json!({ "content": [text("a"), text("b")] }), Ok(json!("a\nb")));
        check(json!({ "content": [] }), Ok(json!("")));
        check(
            json!({ "content": [text("{\"a\":1}")], "structuredContent": { "a": 1 } }),
            Ok(json!({ "a": 1 })),
        );
        check(json!({ "content": [text("a"), image] }), Ok(json!([text("a"), image])));
        check(
            json!({ "content": [image], "structuredContent": [1] }),
            Ok(json!({ "content": [image], "structured": [1] })),
        );
        check(json!({ "content": [text("no key-1")], "isError": true }), Err("no ***"));
        check(
            json!({ "content": [], "structuredContent": { "why": 1 }, "isError": true }),
            Err("{\"why\":1}"),
        );
        check(
            json!({ "content": [], "isError": true }),
            Err("the tool failed and did not say why"),
        );
    }

    #[test]
    fn a_long_failure_is_cut_between_letters() {
        let long = "é".repeat(FAILURE_CHARS_MAX + 3);
        let said = failure(&long).to_string();
        assert!(said.ends_with("é … and 6 bytes more"), "{said}");
    }
}
