//! The least that a client of the OpenAI protocol does: what the engine is compared with.

use std::borrow::Cow;

use serde::Deserialize;

/// The text of a streamed answer, as far as it came: splits lines, parses each piece, keeps the text.
#[derive(Debug, Default)]
pub struct Answer {
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
    /// The text.
    pub text: String,
}

/// A chunk of the stream, as far as a bare client looks at it.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
}

impl Answer {
    /// Takes the next bytes.
    ///
    /// # Panics
    ///
    /// When they are no stream of chunks.
    pub fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let last = self.rest.iter().rposition(|byte| *byte == b'\n');
        let rest = self.rest.split_off(last.map_or(0, |last| last + 1));
        let lines = std::mem::replace(&mut self.rest, rest);
        lines.split(|byte| *byte == b'\n').for_each(|line| self.read(line));
    }

    fn read(&mut self, line: &[u8]) {
        let Some(data) = line.strip_prefix(b"data: ").filter(|data| *data != b"[DONE]") else {
            return;
        };
        let chunk: Chunk<'_> = serde_json::from_slice(data).expect("it is a chunk");
        let content = chunk.choices.first().and_then(|choice| choice.delta.content.as_deref());
        self.text.push_str(content.unwrap_or_default());
    }
}
