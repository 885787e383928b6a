//! Fields of a call beside those that every protocol has: kept as they came in a block of their own, and sent
//! back with the call by the protocol that it came in.

use branchwork_core::message::Native;
use serde_json::{Map, Value, json};

/// Names the call.
const CALL: &str = "tool_call";

/// Holds the fields.
const FIELDS: &str = "fields";

/// What is kept of the fields of the call that is known by `id`.
pub(crate) fn kept(id: &str, fields: &Map<String, Value>) -> Value {
    json!({ CALL: id, FIELDS: fields })
}

/// The identifier of a call, and fields of it that came in `protocol`, when `native` is that.
pub(crate) fn of<'a>(
    native: &'a Native,
    protocol: &str,
) -> Option<(&'a str, &'a Map<String, Value>)> {
    let block = Some(&native.block).filter(|_| native.protocol == protocol)?;
    Some((block.get(CALL)?.as_str()?, block.get(FIELDS)?.as_object()?))
}
