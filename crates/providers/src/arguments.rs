//! The arguments of calls, as servers can parse them.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::json;

/// Arguments as the model wrote them when they are JSON; else wrapped, because servers parse them
/// and would refuse the conversation for ever. No arguments are an empty object.
pub(crate) fn legal_arguments(arguments: &str) -> Cow<'_, str> {
    if arguments.trim().is_empty() {
        return Cow::Borrowed("{}");
    }
    match serde_json::from_str::<IgnoredAny>(arguments) {
        Ok(_) => Cow::Borrowed(arguments),
        Err(_malformed) => Cow::Owned(json!({ "_malformed": arguments }).to_string()),
    }
}
