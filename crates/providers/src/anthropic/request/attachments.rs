//! Pictures and files of an instruction.

use branchwork_core::message::FileSource;

use super::block::{Block, Own, Source};
use crate::data_url::DataUrl;

/// Media types of pictures.
const IMAGES: [&str; 4] = ["image/gif", "image/jpeg", "image/png", "image/webp"];

/// Endings of the names of pictures, for those that only an identifier is known of.
const IMAGE_ENDINGS: [&str; 5] = ["gif", "jpeg", "jpg", "png", "webp"];

/// Bytes of a picture. The API takes as many; clouds that serve the same models take half of it.
const IMAGE_BYTES_MAX: usize = 10 * 1024 * 1024;

/// A picture.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn image(url: &str) -> Result<Block<'_>, String> {
    if is_web(url) {
        return Ok(Block::Own(Own::Image { source: Source::Url { url } }));
    }
    match DataUrl::parse(url) {
        Some(content) if IMAGES.contains(&content.media_type) => embedded(content),
        Some(content) => Err(format!(
            "a picture is {}, and this protocol takes image/gif, image/jpeg, image/png and image/webp",
            content.media_type
        )),
        None => Err("a picture is neither on the web nor a `data:` URL in base64".to_owned()),
    }
}

/// A file: a document, or a picture.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn file<'a>(name: Option<&'a str>, source: &'a FileSource) -> Result<Block<'a>, String> {
    let document = |source| Block::Own(Own::Document { source, title: name });
    let url = match source {
        FileSource::Id(file_id) if names_image(name) => {
            return Ok(Block::Own(Own::Image { source: Source::File { file_id } }));
        }
        FileSource::Id(file_id) => return Ok(document(Source::File { file_id })),
        FileSource::Url(url) if is_web(url) => return Ok(document(Source::Url { url })),
        FileSource::Url(url) => url,
        _ => return Err("this protocol does not know where a file is".to_owned()),
    };
    let content = DataUrl::parse(url)
        .ok_or("a file is neither on the web nor a `data:` URL in base64".to_owned())?;
    match content.media_type {
        media_type if IMAGES.contains(&media_type) => embedded(content),
        media_type @ "application/pdf" => {
            Ok(document(Source::Base64 { media_type, data: content.base64 }))
        }
        media_type if is_text(media_type) => {
            let data = content.text().filter(|text| !text.trim().is_empty());
            let data = data.ok_or_else(|| format!("a file of {media_type} is blank or no text"))?;
            Ok(document(Source::Text { media_type: "text/plain", data }))
        }
        media_type => Err(format!(
            "a file is {media_type}, and this protocol takes application/pdf, text and pictures"
        )),
    }
}

fn embedded(content: DataUrl<'_>) -> Result<Block<'_>, String> {
    if content.len() > IMAGE_BYTES_MAX {
        let bytes = content.len();
        return Err(format!(
            "a picture has {bytes} bytes, and this protocol takes {IMAGE_BYTES_MAX}"
        ));
    }
    let source = Source::Base64 { media_type: content.media_type, data: content.base64 };
    Ok(Block::Own(Own::Image { source }))
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || matches!(media_type, "application/json" | "application/xml" | "application/yaml")
}

fn names_image(name: Option<&str>) -> bool {
    let ending = name.and_then(|name| Some(name.rsplit_once('.')?.1.to_ascii_lowercase()));
    ending.is_some_and(|ending| IMAGE_ENDINGS.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(block: &Result<Block<'_>, String>, expected: &str) {
        let shown = match block {
            Ok(Block::Own(block)) => serde_json::to_string(block).expect("JSON"),
            Ok(other) => format!("{other:?}"),
            Err(problem) => problem.clone(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn pictures_are_sent_as_they_come() {
        check(
            &image("https://example.com/a.png"),
            r#"{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}"#,
        );
        check(
            &image("data:image/png;base64,AAAA"),
            r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}"#,
        );
        check(
            &image("data:image/tiff;base64,AAAA"),
            "a picture is image/tiff, and this protocol takes image/gif, image/jpeg, image/png and \
             image/webp",
        );
        check(
            &image("file:///etc/passwd"),
            "a picture is neither on the web nor a `data:` URL in base64",
        );
        let large = format!("data:image/png;base64,{}", "A".repeat(IMAGE_BYTES_MAX / 3 * 4 + 4));
        check(&image(&large), "a picture has 10485762 bytes, and this protocol takes 10485760");
    }

    #[test]
    fn files_are_documents_or_pictures() {
        let of = |url: &str| FileSource::Url(url.to_owned());
        check(
            &file(Some("a.pdf"), &of("data:application/pdf;base64,AAAA")),
            r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"},"title":"a.pdf"}"#,
        );
        check(
            &file(None, &of("data:text/markdown;base64,aGVsbG8=")),
            r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hello"}}"#,
        );
        check(
            &file(None, &of("https://example.com/a.pdf")),
            r#"{"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}}"#,
        );
        let id = FileSource::Id("file_1".to_owned());
        check(
            &file(Some("a.pdf"), &id),
            r#"{"type":"document","source":{"type":"file","file_id":"file_1"},"title":"a.pdf"}"#,
        );
        check(
            &file(Some("a.PNG"), &id),
            r#"{"type":"image","source":{"type":"file","file_id":"file_1"}}"#,
        );
        check(
            &file(Some("a.png"), &of("data:image/png;base64,AAAA")),
            r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}"#,
        );
    }

    #[test]
    fn other_files_are_refused_with_what_would_do() {
        let refused = |url: &str, expected: &str| {
            check(&file(None, &FileSource::Url(url.to_owned())), expected);
        };
        refused(
            "data:application/zip;base64,AAAA",
            "a file is application/zip, and this protocol takes application/pdf, text and pictures",
        );
        refused("data:text/plain;base64,/w==", "a file of text/plain is blank or no text");
        refused("data:text/plain;base64,IA==", "a file of text/plain is blank or no text");
        refused(
            "data:text/plain,hello",
            "a file is neither on the web nor a `data:` URL in base64",
        );
    }
}
