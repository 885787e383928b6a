//! A conversation as Markdown, for people.

use branchwork_core::message::{Body, FileSource, Message, Outcome, Part, Status};
use serde_json::Value;

/// The conversation in `messages` as Markdown: a heading for each message, then what it says; calls
/// with their arguments, results with what came of them. Nothing is left out but metadata, times, and blocks
/// that only their provider understands.
pub(super) fn markdown<'a>(messages: impl IntoIterator<Item = &'a Message>) -> String {
    let mut text = String::new();
    for message in messages {
        if !text.is_empty() {
            text += "\n";
        }
        text += &heading(message);
        match &message.body {
            Body::System { text: said } => paragraph(&mut text, said),
            Body::Instruction { parts, context } => {
                tell_all(&mut text, parts);
                if let Some(context) = context {
                    text += "\nContext:\n";
                    json(&mut text, context);
                }
            }
            Body::Response { parts } => tell_all(&mut text, parts),
            Body::ActionRequest { parts, calls } => {
                tell_all(&mut text, parts);
                for call in calls {
                    text += &format!(
                        "\nCall {} of {}:\n",
                        code(call.id.as_str()),
                        code(&call.function)
                    );
                    block(&mut text, "json", &call.arguments);
                }
            }
            Body::ActionResponse { call, function, outcome } => {
                text += &format!("\nCall {} of {}", code(call.as_str()), code(function));
                match outcome {
                    Outcome::Succeeded(value) => {
                        text += ":\n";
                        json(&mut text, value);
                    }
                    other => {
                        text += " did not succeed:\n";
                        paragraph(&mut text, &other.text());
                    }
                }
            }
            _ => paragraph(&mut text, &message.text()),
        }
    }
    text
}

fn heading(message: &Message) -> String {
    let role = message.role().as_str();
    let mut heading = format!("## {role}");
    if message.sender != role {
        heading += &format!(" · {}", one_line(&message.sender));
    }
    if let Some(recipient) = &message.recipient {
        heading += &format!(" → {}", one_line(recipient));
    }
    if message.status != Status::Complete {
        heading += &format!(" ({})", message.status.as_str());
    }
    heading + "\n"
}

fn tell_all(text: &mut String, parts: &[Part]) {
    for part in parts {
        tell(text, part);
    }
}

fn tell(text: &mut String, part: &Part) {
    match part {
        Part::Text(said) => paragraph(text, said),
        Part::Reasoning { text: thought, .. } if thought.is_empty() => {}
        Part::Reasoning { text: thought, .. } => {
            let quoted: Vec<_> = thought.lines().map(|line| format!("> {line}")).collect();
            paragraph(text, &quoted.join("\n"));
        }
        // The content of a `data:` URL is nothing to read.
        Part::Image { url, .. } => paragraph(text, &format!("Image: {}", code(shown(url)))),
        Part::File { name, source: FileSource::Url(source) | FileSource::Id(source) } => {
            let name = name.as_deref().unwrap_or("unnamed");
            paragraph(text, &format!("File {}: {}", code(name), code(shown(source))));
        }
        Part::Audio { url } => paragraph(text, &format!("Sound: {}", code(shown(url)))),
        Part::Data(value) => json(text, value),
        // Calls are told behind the parts; a block is nothing to read.
        Part::Call(_) | Part::Native(_) => {}
        _ => paragraph(text, "A part that cannot be shown."),
    }
}

/// A `data:` URL without its content.
fn shown(url: &str) -> &str {
    match url.split_once(',') {
        Some((before, _)) if url.starts_with("data:") => before,
        _ => url,
    }
}

fn paragraph(text: &mut String, said: &str) {
    if !said.trim().is_empty() {
        *text += &format!("\n{}\n", said.trim_end_matches('\n'));
    }
}

fn json(text: &mut String, value: &Value) {
    block(text, "json", &format!("{value:#}"));
}

/// A block of code, fenced by more ticks than are in it.
fn block(text: &mut String, language: &str, code: &str) {
    let fence = "`".repeat(longest_ticks(code).max(2) + 1);
    *text += &format!("\n{fence}{language}\n{code}\n{fence}\n");
}

fn code(text: &str) -> String {
    let ticks = "`".repeat(longest_ticks(text) + 1);
    let text = one_line(text);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

fn longest_ticks(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
