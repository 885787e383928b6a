//! Blocks that only Gemini understands, as they are kept in a history.
//!
//! | block | where it is kept | what it is |
//! |---|---|---|
//! | `{"thoughtSignature":…}` | before a call | what stood beside the call in its part |
//! | `{"texts":[{"bytes":5,"thoughtSignature":…},…]}` | behind a text | of which parts the text was made, by their length |
//! | `{"thoughtSignature":…}`, `{}` | with a thought | what stood beside the thought in its last part |
//! | `{"groundingMetadata":…}` and the like | behind the answer | what the server told of its sources; never sent |
//! | any other | at its place | a part, as it came |

use branchwork_core::message::Native;
use serde_json::{Map, Value, json};

use super::PROTOCOL;

/// What stands beside the content of a part and is kept with it.
pub(super) const MARKS: [&str; 2] = [SIGNATURE, "partMetadata"];

/// The signature of the thoughts behind a part.
pub(super) const SIGNATURE: &str = "thoughtSignature";

/// The contents of parts that every Gemini understands, whichever made them.
pub(super) const CONTENTS: [&str; 6] =
    ["inlineData", "fileData", "executableCode", "codeExecutionResult", "toolCall", "toolResponse"];

/// What an answer has beside its parts.
const SOURCES: [&str; 3] = ["groundingMetadata", "citationMetadata", "urlContextMetadata"];

/// A piece of a text that had a part of its own, or of which several parts had no marks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) bytes: usize,
    pub(super) marks: Map<String, Value>,
}

/// What a block is.
#[derive(Debug, PartialEq)]
pub(super) enum Block<'a> {
    /// Stands beside the call that comes next.
    Marks(&'a Map<String, Value>),
    /// Says of which parts the text before it was made.
    Texts(&'a [Value]),
    /// What the server told of its sources.
    Source,
    /// A part, as it came.
    Part(&'a Map<String, Value>),
}

impl<'a> Block<'a> {
    /// Reads a block; `None` when it is none of ours.
    pub(super) fn read(block: &'a Value) -> Option<Self> {
        let fields = block.as_object()?;
        if fields.keys().all(|field| MARKS.contains(&field.as_str())) {
            return Some(Self::Marks(fields));
        }
        if let Some(Value::Array(texts)) = fields.get("texts") {
            return Some(Self::Texts(texts));
        }
        if fields.keys().all(|field| SOURCES.contains(&field.as_str())) {
            return Some(Self::Source);
        }
        Some(Self::Part(fields))
    }
}

/// A block of an answer of `model`.
pub(super) fn native(model: &str, block: impl Into<Value>) -> Native {
    Native::new(PROTOCOL, model, block.into())
}

/// The block that says of which pieces a text was made.
pub(super) fn texts(pieces: Vec<Piece>) -> Value {
    let piece = |Piece { bytes, mut marks }: Piece| {
        marks.insert("bytes".to_owned(), bytes.into());
        Value::Object(marks)
    };
    json!({ "texts": pieces.into_iter().map(piece).collect::<Vec<_>>() })
}

/// `text` cut into its pieces again; `None` when it is not the text that was.
pub(super) fn cut<'t>(
    mut text: &'t str,
    pieces: &[Value],
) -> Option<Vec<(&'t str, Map<String, Value>)>> {
    let mut texts = Vec::new();
    for piece in pieces {
        let mut marks = piece.as_object()?.clone();
        let bytes = usize::try_from(marks.remove("bytes")?.as_u64()?).ok()?;
        let (piece, rest) = text.split_at_checked(bytes)?;
        texts.push((piece, marks));
        text = rest;
    }
    text.is_empty().then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_told_apart() {
        let check = |block: Value, expected: Option<&str>| {
            let read = Block::read(&block).map(|block| match block {
                Block::Marks(_) => "marks",
                Block::Texts(_) => "texts",
                Block::Source => "source",
                Block::Part(_) => "part",
            });
            assert_eq!(read, expected, "{block}");
        };
        check(json!({ "thoughtSignature": "s" }), Some("marks"));
        check(json!({}), Some("marks"));
        check(json!({ "texts": [] }), Some("texts"));
        check(json!({ "groundingMetadata": {} }), Some("source"));
        check(json!({ "executableCode": {}, "thoughtSignature": "s" }), Some("part"));
        check(json!({ "text": "", "thoughtSignature": "s" }), Some("part"));
        check(json!("text"), None);
    }

    #[test]
    fn a_text_is_cut_where_its_parts_met_and_only_that_text() {
        let marks = |signature: &str| Map::from_iter([(SIGNATURE.to_owned(), signature.into())]);
        let pieces = [(3, Map::new()), (0, marks("a")), (1, marks("b"))];
        let pieces = pieces.map(|(bytes, marks)| Piece { bytes, marks });
        let block = texts(pieces.to_vec());
        let Some(Block::Texts(pieces)) = Block::read(&block) else { panic!("{block}") };
        let expected = vec![("hé", Map::new()), ("", marks("a")), ("!", marks("b"))];
        assert_eq!(cut("hé!", pieces), Some(expected));
        for other in ["he!", "hé", "hé!!", "h!é", ""] {
            assert_eq!(cut(other, pieces), None, "{other}");
        }
        assert_eq!(cut("a", &[json!({ "bytes": "1" })]), None);
    }
}
