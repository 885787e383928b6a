//! Reasoning items, as servers take them back.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Map, Value};

/// What servers say of an item and do not take back.
///
/// Of a sealed thought everything is in the seal. Its identifier is looked up among the stored items, where
/// it is not, and its status is no parameter.
const OUTPUT_ONLY: [&str; 2] = ["id", "status"];

/// A reasoning item that goes back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Thought<'v> {
    /// Only the server can read it.
    Sealed(&'v Map<String, Value>),
    /// A thought in plain text, as servers of open models send it; they want it back as it came.
    Open(&'v Value),
}

impl<'v> Thought<'v> {
    /// `None` for an item that holds nothing a server without a store could read.
    pub(super) fn read(item: &'v Value) -> Option<Self> {
        let fields = item.as_object()?;
        if is_sealed(item) {
            return Some(Self::Sealed(fields));
        }
        let content = fields.get("content").and_then(Value::as_array)?;
        (!content.is_empty()).then_some(Self::Open(item))
    }

    /// Whether something of it does not go back.
    pub(super) fn is_stripped(self) -> bool {
        let Self::Sealed(fields) = self else { return false };
        OUTPUT_ONLY.iter().any(|name| fields.contains_key(*name))
    }
}

/// Whether `block` has content that only the model that made it can read.
pub(in crate::responses) fn is_sealed(block: &Value) -> bool {
    let sealed = block.get("encrypted_content").and_then(Value::as_str);
    sealed.is_some_and(|content| !content.is_empty())
}

impl Serialize for Thought<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = match self {
            Self::Open(item) => return item.serialize(serializer),
            Self::Sealed(fields) => fields,
        };
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in *fields {
            if !OUTPUT_ONLY.contains(&name.as_str()) {
                map.serialize_entry(name, value)?;
            }
        }
        // It is a list by the protocol, and refused when it is missing.
        if !fields.contains_key("summary") {
            map.serialize_entry("summary", &[(); 0])?;
        }
        map.end()
    }
}
