//! Items of an answer, as they are when they are done.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::loose::{Text, arguments_of};

/// An item as far as we read it; what we do not read of it is kept as it came.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) call_id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
    #[serde(borrow)]
    phase: Text<'a>,
}

/// A part of the content of a message or of a thought.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    refusal: Text<'a>,
    annotations: Vec<Value>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
}

impl<'a> Item<'a> {
    /// Reads an item; nothing of one that has another form.
    pub(super) fn read(raw: &'a RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or_default()
    }

    /// The text of a message, refusals included.
    pub(super) fn text(&self) -> String {
        let parts = parts(self.content);
        parts.iter().flat_map(|part| [&*part.text.0, &*part.refusal.0]).collect()
    }

    /// What of a thought can be read: its summary, then its text, with a blank line between the parts.
    pub(super) fn thought(&self) -> String {
        let parts = [parts(self.summary), parts(self.content)];
        let texts: Vec<_> = parts.iter().flatten().map(|part| &*part.text.0).collect();
        texts.join(PART_BREAK)
    }

    /// The arguments of a call, as text.
    pub(super) fn arguments(&self) -> Cow<'a, str> {
        arguments_of(self.arguments)
    }

    /// Log probabilities of the tokens of a message, a list for each part of it.
    pub(super) fn logprobs(&self) -> Vec<&'a RawValue> {
        parts(self.content).iter().filter_map(|part| said_list(part.logprobs)).collect()
    }

    /// What a message says beside its text, as the block that goes with it; `None` when that is nothing.
    pub(super) fn note(&self) -> Option<Value> {
        let mut note = Map::new();
        if let Some(phase) = self.phase.said() {
            note.insert("phase".to_owned(), phase.into());
        }
        let cited = parts(self.content).into_iter().flat_map(|part| part.annotations);
        let cited: Vec<_> = cited.collect();
        if !cited.is_empty() {
            note.insert("annotations".to_owned(), cited.into());
        }
        (!note.is_empty()).then(|| {
            note.insert("type".to_owned(), "message".into());
            Value::Object(note)
        })
    }
}

/// What stands between two parts of a thought.
pub(super) const PART_BREAK: &str = "\n\n";

/// The block that parts the text of a message from that of the next one.
pub(super) fn plain_note() -> Value {
    Value::Object(Map::from_iter([("type".to_owned(), "message".into())]))
}

/// A list that says something.
pub(super) fn said_list(list: Option<&RawValue>) -> Option<&RawValue> {
    list.filter(|list| !matches!(list.get(), "null" | "[]"))
}

fn parts(list: Option<&RawValue>) -> Vec<Part<'_>> {
    let raw = list.map_or("[]", RawValue::get);
    serde_json::from_str(raw).unwrap_or_default()
}
