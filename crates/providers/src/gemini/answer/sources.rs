//! What a server tells of its sources. It comes with the last chunks, and again.

use std::collections::BTreeMap;

use serde_json::Value;

/// The sources of one answer so far, each once.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Which of them came when, by what they say.
    places: BTreeMap<String, usize>,
}

impl Sources {
    /// Takes one: the bytes of it that were not known.
    pub(super) fn push(&mut self, source: &Value) -> usize {
        let (said, place) = (source.to_string(), self.places.len());
        let bytes = said.len();
        if self.places.contains_key(&said) {
            return 0;
        }
        self.places.insert(said, place);
        bytes
    }

    /// All of them, in the order in which they came.
    pub(super) fn take(&mut self) -> Vec<Value> {
        let mut sources: Vec<_> = std::mem::take(&mut self.places).into_iter().collect();
        sources.sort_unstable_by_key(|(_, place)| *place);
        sources.iter().filter_map(|(said, _)| serde_json::from_str(said).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_comes_once_in_its_order_and_counts_once() {
        let mut sources = Sources::default();
        let some = [json!({ "z": 1 }), json!({ "a": [2.5, "\u{e9}"] }), json!({ "z": 1 })];
        let counted: Vec<_> = some.iter().map(|source| sources.push(source)).collect();
        assert_eq!(counted, [7, 16, 0]);
        assert_eq!(sources.take(), some[..2]);
        assert_eq!(sources.take(), Vec::<Value>::new());
    }
}
