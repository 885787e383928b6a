//! Fields that we do not read, put together from the pieces in which they come.

use std::mem;

use serde_json::{Map, Value};

use crate::loose::{Extras, value_of};

/// What came of them so far.
#[derive(Debug, Default)]
pub(super) struct Kept(Map<String, Value>);

impl Kept {
    /// Adds what came next.
    pub(super) fn add(&mut self, extras: Extras<'_>) {
        for (name, value) in extras.0 {
            put(&mut self.0, name.0.into_owned(), value_of(value));
        }
    }

    /// All of it, when there is any; nothing is left.
    pub(super) fn take(&mut self) -> Option<Map<String, Value>> {
        Some(mem::take(&mut self.0)).filter(|kept| !kept.is_empty())
    }
}

/// Puts `more` behind what came of that field: texts and lists go on, and so do the fields of an object. What says
/// the same again is not more, and names of things do not go on.
fn put(came: &mut Map<String, Value>, name: String, more: Value) {
    let goes_on = !matches!(name.as_str(), "id" | "type" | "index");
    match (came.get_mut(&name).filter(|_| goes_on), more) {
        (Some(came), more) if *came == more => {}
        (Some(Value::String(came)), Value::String(more)) => came.push_str(&more),
        (Some(Value::Array(came)), Value::Array(more)) => came.extend(more),
        (Some(Value::Object(came)), Value::Object(more)) => {
            more.into_iter().for_each(|(name, more)| put(came, name, more));
        }
        (_, more) => drop(came.insert(name, more)),
    }
}
