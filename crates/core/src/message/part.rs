//! Parts: the pieces of which an instruction or an answer is made.

use serde_json::Value;

use super::Native;

/// One piece of a message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// Text.
    Text(String),
    /// What a model thought before it answered.
    Reasoning {
        /// The readable thought; may be empty when the provider hides it.
        text: String,
        /// What the provider wants back, unchanged: signatures, encrypted thoughts.
        detail: Option<Value>,
    },
    /// A picture, by URL or as a `data:` URL.
    Image {
        /// Where it is.
        url: String,
        /// How closely to look, in the provider's words.
        detail: Option<String>,
    },
    /// A file, by its content as a `data:` URL or by a provider's identifier.
    File {
        /// What it is called.
        name: Option<String>,
        /// Its content or the provider's identifier for it.
        source: FileSource,
    },
    /// Sound, as a `data:` URL whose media type says how it is coded: `data:audio/wav;base64,…`.
    Audio {
        /// The sound.
        url: String,
    },
    /// A JSON value of the host program, shown to models as JSON.
    Data(Value),
    /// A block of an answer that only its provider understands.
    Native(Native),
    /// The place among the parts of the call with this number in
    /// [`ActionRequest::calls`](super::Body::ActionRequest). A call without one comes after all parts.
    Call(u32),
}

/// Where the content of a [`Part::File`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileSource {
    /// A `data:` URL that holds the content.
    Url(String),
    /// An identifier that the provider gave when the file was uploaded.
    Id(String),
}

impl Part {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether it is a picture, a file or sound.
    pub const fn is_attachment(&self) -> bool {
        matches!(self, Self::Image { .. } | Self::File { .. } | Self::Audio { .. })
    }

    /// Bytes of text it holds, for size checks.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Reasoning { text, detail } => {
                text.len() + detail.as_ref().map_or(0, |detail| detail.to_string().len())
            }
            Self::Image { url, detail } => url.len() + detail.as_ref().map_or(0, String::len),
            Self::File { name, source: FileSource::Url(text) | FileSource::Id(text) } => {
                text.len() + name.as_ref().map_or(0, String::len)
            }
            Self::Audio { url } => url.len(),
            Self::Data(value) => value.to_string().len(),
            Self::Native(native) => native.block.to_string().len(),
            Self::Call(_) => 0,
        }
    }
}

/// The plain text of `parts`: text as it is, data as JSON, thoughts and attachments left out.
///
/// Parts are joined by a line break.
pub fn text_of(parts: &[Part]) -> String {
    let mut texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.clone()),
        Part::Data(value) => Some(value.to_string()),
        Part::Reasoning { .. }
        | Part::Image { .. }
        | Part::File { .. }
        | Part::Audio { .. }
        | Part::Native(_)
        | Part::Call(_) => None,
    });
    let first = texts.next().unwrap_or_default();
    texts.fold(first, |joined, text| joined + "\n" + &text)
}
