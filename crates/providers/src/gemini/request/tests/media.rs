//! Pictures, sound and files.

use branchwork_core::message::{FileSource, Part};
use serde_json::{Value, json};

use super::{NEW, OLD, ask, asked, check_for, sent};

fn check(model: &str, part: Part, expected: &Value, rules: &[&str]) {
    let bodies = [asked(vec![part], None)];
    check_for(model, &bodies, &json!([{ "role": "user", "parts": [expected] }]), rules);
}

fn image(url: &str, detail: Option<&str>) -> Part {
    Part::Image { url: url.to_owned(), detail: detail.map(str::to_owned) }
}

fn file(name: Option<&str>, source: FileSource) -> Part {
    Part::File { name: name.map(str::to_owned), source }
}

#[test]
fn content_is_sent_as_it_is_and_addresses_as_files() {
    let inline =
        |media_type: &str| json!({ "inlineData": { "mimeType": media_type, "data": "AA==" } });
    check(NEW, image("data:image/png;base64,AA==", None), &inline("image/png"), &[]);
    let sound = Part::Audio { url: "data:audio/ogg;codecs=opus;base64,AA==".to_owned() };
    check(NEW, sound, &inline("audio/ogg"), &[]);
    let content = FileSource::Url("data:application/pdf;base64,AA==".to_owned());
    check(NEW, file(Some("a.pdf"), content), &inline("application/pdf"), &[]);
    let held = |media_type: Option<&str>, uri: &str| match media_type {
        Some(media_type) => json!({ "fileData": { "mimeType": media_type, "fileUri": uri } }),
        None => json!({ "fileData": { "fileUri": uri } }),
    };
    for (uri, media_type) in [
        ("https://example.com/a.PNG", Some("image/png")),
        ("https://example.com/a.jpeg?size=1.gif#b", Some("image/jpeg")),
        ("https://example.com/a", None),
        ("https://youtu.be/9hE5-98ZeCg", None),
    ] {
        check(NEW, image(uri, None), &held(media_type, uri), &[]);
    }
    let uri = "https://generativelanguage.googleapis.com/v1beta/files/abc-123";
    let id = |name| file(name, FileSource::Id(uri.to_owned()));
    check(NEW, id(None), &held(None, uri), &[]);
    check(NEW, id(Some("talk.mp3")), &held(Some("audio/mpeg"), uri), &[]);
}

#[test]
fn how_closely_to_look_is_said_in_the_words_of_gemini_3() {
    let picture = |detail| image("data:image/png;base64,AA==", Some(detail));
    let plain = json!({ "inlineData": { "mimeType": "image/png", "data": "AA==" } });
    let with = |level: &str| {
        let mut part = plain.clone();
        part["mediaResolution"] = json!({ "level": level });
        part
    };
    check(NEW, picture("low"), &with("MEDIA_RESOLUTION_LOW"), &[]);
    check(NEW, picture("ultra_high"), &with("MEDIA_RESOLUTION_ULTRA_HIGH"), &[]);
    check(NEW, picture("MEDIA_RESOLUTION_X"), &with("MEDIA_RESOLUTION_X"), &[]);
    check(NEW, picture("auto"), &plain, &[]);
    check(NEW, picture("sharply"), &plain, &["image_detail_left_out 1"]);
    check(OLD, picture("low"), &plain, &["image_detail_left_out 1"]);
}

#[test]
fn attachments_make_an_instruction_several_parts() {
    let parts = vec![
        Part::text("what?"),
        image("data:image/png;base64,AA==", None),
        Part::text(""),
        Part::Data(json!([1])),
    ];
    let expected = json!([{ "role": "user", "parts": [
        { "text": "what?" },
        { "inlineData": { "mimeType": "image/png", "data": "AA==" } },
        { "text": "[1]" },
        { "text": "Context:\nsoon" },
    ] }]);
    check_for(NEW, &[asked(parts, Some(json!("soon")))], &expected, &[]);
}

#[test]
fn content_that_cannot_be_read_is_refused() {
    for url in ["data:text/plain,hello", "data:;base64,AA==", "data:image/png;base64"] {
        for part in [
            image(url, None),
            Part::Audio { url: url.to_owned() },
            file(None, FileSource::Url(url.to_owned())),
        ] {
            let refused = sent(&ask(NEW, vec![asked(vec![part], None)]));
            assert!(refused.is_err_and(|problem| problem.contains("base64")), "{url}");
        }
    }
}
