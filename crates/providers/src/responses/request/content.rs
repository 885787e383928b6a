//! Parts of an instruction that has attachments.

use branchwork_core::message::{FileSource, Part};
use serde::Serialize;
use serde_json::Value;

use crate::joined::{Context, Joined};

/// What a file is called when nobody said so: content needs a name.
const FILE_NAME: &str = "file";

/// One part.
#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Content<'a> {
    #[serde(rename = "input_text")]
    Text { text: Text<'a> },
    #[serde(rename = "input_image")]
    Image { image_url: &'a str, detail: &'a str },
    #[serde(rename = "input_file")]
    File(File<'a>),
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Text<'a> {
    Part(Joined<'a>),
    Context(Context<'a>),
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum File<'a> {
    Content { filename: &'a str, file_data: &'a str },
    Address { file_url: &'a str },
    Id { file_id: &'a str },
}

/// The parts one by one, and the context as the last of them.
///
/// # Errors
///
/// What the protocol cannot say.
pub(super) fn contents<'a>(
    parts: &'a [Part],
    context: Option<&'a Value>,
) -> Result<Vec<Content<'a>>, String> {
    let context =
        context.map(|value| Ok(Content::Text { text: Text::Context(Context::new(value)) }));
    parts.iter().filter_map(|part| content(part).transpose()).chain(context).collect()
}

/// `None` for what only answers have, and for a text that says nothing: servers refuse it.
fn content(part: &Part) -> Result<Option<Content<'_>>, String> {
    Ok(Some(match part {
        Part::Text(_) | Part::Data(_) => {
            let text = Joined::new(std::slice::from_ref(part), None);
            if text.is_empty() {
                return Ok(None);
            }
            Content::Text { text: Text::Part(text) }
        }
        Part::Image { url, detail } => {
            Content::Image { image_url: url, detail: detail.as_deref().unwrap_or("auto") }
        }
        Part::File { name, source } => Content::File(file(name.as_deref(), source)?),
        Part::Audio { .. } => return Err("this protocol takes no sound".to_owned()),
        _ => return Ok(None),
    }))
}

fn file<'a>(name: Option<&'a str>, source: &'a FileSource) -> Result<File<'a>, String> {
    let is_address = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    match source {
        FileSource::Id(file_id) => Ok(File::Id { file_id }),
        FileSource::Url(url) if url.starts_with("data:") => {
            Ok(File::Content { filename: name.unwrap_or(FILE_NAME), file_data: url })
        }
        FileSource::Url(url) if is_address(url) => Ok(File::Address { file_url: url }),
        _ => Err("this protocol takes a file as a `data:` URL, by an `http` address or by its \
                  identifier only"
            .to_owned()),
    }
}
