//! Texts that stand side by side, and what they cite.
//!
//! They are told as they come, as one text. When one of them cites something, all of them are told again
//! as blocks once the last one is whole: so the text is cut where the server cut it when it goes back.

use serde_json::{Value, json};

/// The texts since the last block of another kind.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// All of them.
    text: String,
    /// Where each begins, and what it cites.
    blocks: Vec<(usize, Vec<Value>)>,
    has_citations: bool,
}

impl Texts {
    /// Another text begins.
    pub(super) fn begin(&mut self) {
        self.blocks.push((self.text.len(), Vec::new()));
    }

    /// The last one goes on.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The last one cites this.
    pub(super) fn cite(&mut self, citation: Value) {
        if let Some((_, citations)) = self.blocks.last_mut() {
            citations.push(citation);
            self.has_citations = true;
        }
    }

    /// The blocks that were told so far, when one of them cites something. Others begin anew.
    pub(super) fn take(&mut self) -> Option<Value> {
        let Self { text, blocks, has_citations } = std::mem::take(self);
        if !has_citations {
            return None;
        }
        let ends = blocks.iter().skip(1).map(|(start, _)| *start).chain([text.len()]);
        let ends: Vec<_> = ends.collect();
        let cut = blocks.into_iter().zip(ends).filter_map(|((start, citations), end)| {
            let text = text.get(start..end).filter(|text| !text.is_empty())?;
            Some(if citations.is_empty() {
                json!({ "type": "text", "text": text })
            } else {
                json!({ "type": "text", "text": text, "citations": citations })
            })
        });
        Some(cut.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_without_citations_are_not_told_again() {
        let mut texts = Texts::default();
        texts.begin();
        texts.push("a");
        texts.begin();
        texts.push("b");
        assert_eq!(texts.take(), None);
    }

    #[test]
    fn texts_are_cut_where_the_server_cut_them() {
        let mut texts = Texts::default();
        for (text, citation) in [("Rome ", None), ("", Some(1)), ("is", Some(2)), (" old", None)] {
            texts.begin();
            texts.push(text);
            if let Some(citation) = citation {
                texts.cite(json!(citation));
            }
        }
        let expected = json!([
            { "type": "text", "text": "Rome " },
            { "type": "text", "text": "is", "citations": [2] },
            { "type": "text", "text": " old" },
        ]);
        assert_eq!(texts.take(), Some(expected));
        assert_eq!(texts.take(), None);
    }
}
