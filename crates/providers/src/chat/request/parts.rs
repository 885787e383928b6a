//! Parts of an instruction that has attachments.

use branchwork_core::message::{FileSource, Part};
use serde::Serialize;
use serde_json::Value;

use crate::{
    data_url::DataUrl,
    joined::{Context, Joined},
};

/// One part of an instruction that has attachments.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum WirePart<'a> {
    Text { text: WireText<'a> },
    ImageUrl { image_url: WireImage<'a> },
    File { file: WireFile<'a> },
    InputAudio { input_audio: WireAudio<'a> },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WireText<'a> {
    Part(Joined<'a>),
    Context(Context<'a>),
}

#[derive(Serialize)]
pub(super) struct WireImage<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WireFile<'a> {
    Content { filename: &'a str, file_data: &'a str },
    Id { file_id: &'a str },
}

#[derive(Serialize)]
pub(super) struct WireAudio<'a> {
    data: &'a str,
    format: &'static str,
}

impl<'a> WireAudio<'a> {
    /// Sound, in one of the two forms that the protocol has.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn read(url: &'a str) -> Result<Self, String> {
        let sound = DataUrl::parse(url);
        let format = sound.and_then(|sound| match sound.media_type {
            "audio/wav" | "audio/x-wav" | "audio/wave" => Some("wav"),
            "audio/mpeg" | "audio/mp3" => Some("mp3"),
            _ => None,
        });
        let (Some(sound), Some(format)) = (sound, format) else {
            return Err(
                "this protocol takes sound as a `data:` URL of audio/wav or audio/mpeg in \
                        base64 only"
                    .to_owned(),
            );
        };
        Ok(Self { data: sound.base64, format })
    }
}

/// Whether the parts need more than a string.
pub(super) fn has_attachments(parts: &[Part]) -> bool {
    parts.iter().any(Part::is_attachment)
}

/// The parts one by one, and the context as the last of them.
pub(super) fn wire_parts<'a>(parts: &'a [Part], context: Option<&'a Value>) -> Vec<WirePart<'a>> {
    let context =
        context.map(|value| WirePart::Text { text: WireText::Context(Context::new(value)) });
    parts.iter().filter_map(wire_part).chain(context).collect()
}

/// `None` for what only answers have, and for a text that says nothing: servers refuse it.
fn wire_part(part: &Part) -> Option<WirePart<'_>> {
    Some(match part {
        Part::Text(_) | Part::Data(_) => {
            let text = Joined::new(std::slice::from_ref(part), None);
            if text.is_empty() {
                return None;
            }
            WirePart::Text { text: WireText::Part(text) }
        }
        Part::Image { url, detail } => {
            WirePart::ImageUrl { image_url: WireImage { url, detail: detail.as_deref() } }
        }
        Part::Audio { url } => WirePart::InputAudio { input_audio: WireAudio::read(url).ok()? },
        Part::File { name, source } => WirePart::File { file: file(name.as_deref(), source)? },
        _ => return None,
    })
}

/// Content needs a name: servers refuse it without one.
fn file<'a>(name: Option<&'a str>, source: &'a FileSource) -> Option<WireFile<'a>> {
    match source {
        FileSource::Id(file_id) => Some(WireFile::Id { file_id }),
        FileSource::Url(file_data) => {
            Some(WireFile::Content { filename: name.unwrap_or("file"), file_data })
        }
        _ => None,
    }
}
