//! By what an error is told from an answer.

use serde_json::{Value, value::RawValue};

/// Some servers say with everything that there is no error.
pub(crate) fn is_error(error: Option<&RawValue>) -> bool {
    error.is_some_and(|error| !matches!(error.get(), "null" | "\"\"" | "{}" | "false"))
}

/// Whether JSON that is no answer is an error in another shape than the protocol's.
pub(crate) fn says_error(data: &[u8]) -> bool {
    let value = serde_json::from_slice::<Value>(data).unwrap_or_default();
    let has = |name: &str| value.get(name).is_some_and(|value| !value.is_null());
    value.get("object").is_some_and(|object| object == "error")
        || (has("message") && (has("code") || has("status") || has("type")))
        || has("detail")
}
