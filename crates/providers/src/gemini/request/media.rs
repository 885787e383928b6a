//! Pictures, sound and files: content as it is given, or where it is.

use std::borrow::Cow;

use branchwork_core::message::{FileSource, Part};

use super::parts::{Blob, FileData, Resolution, WirePart};
use crate::{
    data_url::DataUrl,
    gemini::model::{Family, Model},
};

/// Media types by the endings of names. The server knows those of files it holds; of others it wants
/// to be told.
const TYPES: [(&str, &str); 21] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("json", "application/json"),
    ("wav", "audio/wav"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("aac", "audio/aac"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
];

/// Words for how closely to look at a picture.
const LEVELS: [&str; 4] = ["low", "medium", "high", "ultra_high"];

/// A picture, sound or a file.
///
/// # Errors
///
/// What is wrong with it, as a clause; `None` for a part that is none of them.
pub(super) fn media<'a>(part: &'a Part, model: Model<'_>) -> Option<Result<WirePart<'a>, String>> {
    Some(match part {
        Part::Image { url, detail } => {
            content(url, None, detail.as_deref().and_then(|detail| resolution(detail, model)))
        }
        Part::Audio { url } => content(url, None, None),
        Part::File { name, source: FileSource::Url(url) } => content(url, name.as_deref(), None),
        Part::File { name, source: FileSource::Id(uri) } => Ok(file(uri, name.as_deref(), None)),
        _ => return None,
    })
}

/// Whether how closely to look at it is said, and cannot be said to `model`.
pub(super) fn loses_detail(part: &Part, model: Model<'_>) -> bool {
    matches!(part, Part::Image { detail: Some(detail), .. }
        if detail != "auto" && resolution(detail, model).is_none())
}

fn content<'a>(
    url: &'a str,
    name: Option<&'a str>,
    media_resolution: Option<Resolution<'a>>,
) -> Result<WirePart<'a>, String> {
    if !url.starts_with("data:") {
        return Ok(file(url, name, media_resolution));
    }
    let content = DataUrl::parse(url).ok_or(
        "a `data:` URL must name its media type and be coded in base64 to be sent in this protocol",
    )?;
    let inline_data = Blob { mime_type: content.media_type, data: content.base64 };
    Ok(WirePart::Content { inline_data, media_resolution })
}

fn file<'a>(
    uri: &'a str,
    name: Option<&'a str>,
    media_resolution: Option<Resolution<'a>>,
) -> WirePart<'a> {
    let mime_type = name.and_then(media_type).or_else(|| media_type(path_of(uri)));
    WirePart::File { file_data: FileData { mime_type, file_uri: uri }, media_resolution }
}

/// An address without what follows its path.
fn path_of(uri: &str) -> &str {
    uri.split_once(['?', '#']).map_or(uri, |(path, _)| path)
}

fn media_type(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    let known = TYPES.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
    known.map(|(_, media_type)| *media_type)
}

/// How closely to look, where `model` can be told.
fn resolution<'a>(detail: &'a str, model: Model<'_>) -> Option<Resolution<'a>> {
    if model.family() != Family::Gemini3 {
        return None;
    }
    if detail.starts_with("MEDIA_RESOLUTION_") {
        return Some(Resolution { level: Cow::Borrowed(detail) });
    }
    let level = LEVELS.contains(&detail);
    level
        .then(|| Resolution { level: format!("MEDIA_RESOLUTION_{}", detail.to_uppercase()).into() })
}
