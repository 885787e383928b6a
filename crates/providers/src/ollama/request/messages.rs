//! Messages, projected into what the protocol can say.
//!
//! No rule looks at another message, so a longer conversation renders to the same bytes as far as the
//! shorter one goes. The record is never changed: what Ollama wants otherwise is done here.

use std::borrow::Cow;

use branchwork_core::message::{Body, Native, Part, ToolCall};
use serde::Serialize;
use serde_json::Value;

use crate::{
    arguments::ArgumentsObject, data_url::DataUrl, joined::Joined, ollama::PROTOCOL, rules::Rule,
    wire::Pen,
};

/// Writes what is sent for `body`, if anything is.
///
/// # Errors
///
/// That the protocol cannot say it and nobody should miss it.
pub(in crate::ollama) fn message(pen: &mut Pen, body: &Body) -> Result<(), String> {
    match body {
        Body::System { text } => pen.item(&WireMessage::new("system", Content::Text(text.into()))),
        Body::Instruction { parts, context } => {
            let mut message = WireMessage::new("user", joined(parts, context.as_ref()));
            message.images = parts.iter().filter_map(picture).collect::<Result<_, _>>()?;
            pen.item(&message)
        }
        Body::Response { parts } => answer(pen, parts, &[]),
        Body::ActionRequest { parts, calls } => answer(pen, parts, calls),
        Body::ActionResponse { call, function, outcome } => {
            let mut message = WireMessage::new("tool", Content::Text(outcome.shown()));
            message.tool_name = Some(function);
            message.tool_call_id = Some(call.as_str());
            pen.item(&message)
        }
        _ => Ok(()),
    }
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(Cow<'a, str>),
    Joined(Joined<'a>),
}

#[derive(Serialize)]
struct WireCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: WireFunction<'a>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    index: usize,
    name: &'a str,
    arguments: ArgumentsObject<'a>,
}

impl<'a> WireMessage<'a> {
    const fn new(role: &'static str, content: Content<'a>) -> Self {
        Self {
            role,
            content,
            thinking: None,
            images: Vec::new(),
            tool_calls: Vec::new(),
            tool_name: None,
            tool_call_id: None,
        }
    }
}

const fn joined<'a>(parts: &'a [Part], context: Option<&'a Value>) -> Content<'a> {
    Content::Joined(Joined::new(parts, context))
}

/// An answer in which nothing is said, such as one interrupted before its first word, is left out.
fn answer(pen: &mut Pen, parts: &[Part], calls: &[ToolCall]) -> Result<(), String> {
    let mut message = WireMessage::new("assistant", joined(parts, None));
    message.thinking = thinking(pen, parts);
    message.images = pictures(pen, parts);
    message.tool_calls =
        calls.iter().enumerate().map(|(index, call)| wire_call(pen, index, call)).collect();
    let is_silent = Joined::new(parts, None).is_empty() && message.images.is_empty();
    if is_silent && calls.is_empty() {
        pen.adapt(Rule::EmptyAnswerLeftOut);
        return Ok(());
    }
    pen.item(&message)
}

/// What the model thought, as one text. What another provider signed or coded is not for this one.
fn thinking<'a>(pen: &mut Pen, parts: &'a [Part]) -> Option<Cow<'a, str>> {
    let mut thoughts: Option<Cow<'a, str>> = None;
    for part in parts {
        match part {
            Part::Reasoning { text, detail: None } if text.is_empty() => {}
            Part::Reasoning { text, detail: None } => {
                thoughts = Some(match thoughts {
                    None => Cow::Borrowed(text.as_str()),
                    Some(before) => Cow::Owned(before.into_owned() + "\n" + text),
                });
            }
            Part::Reasoning { .. } => pen.adapt(Rule::ThoughtLeftOut),
            _ => {}
        }
    }
    thoughts
}

/// The pictures that the model itself drew, which are kept as blocks of the protocol.
fn pictures<'a>(pen: &mut Pen, parts: &'a [Part]) -> Vec<&'a str> {
    let mut pictures = Vec::new();
    for part in parts {
        match part {
            Part::Native(native) => match drawn(native) {
                Some(drawn) => pictures.extend(drawn.iter().filter_map(Value::as_str)),
                None => pen.adapt(Rule::NativeLeftOut),
            },
            part if part.is_attachment() => pen.adapt(Rule::AttachmentLeftOut),
            _ => {}
        }
    }
    pictures
}

fn drawn(native: &Native) -> Option<&[Value]> {
    if native.protocol != PROTOCOL {
        return None;
    }
    native.block.get("images")?.as_array().map(Vec::as_slice)
}

fn wire_call<'a>(pen: &mut Pen, index: usize, call: &'a ToolCall) -> WireCall<'a> {
    let arguments = ArgumentsObject::read(&call.arguments);
    if arguments.is_wrapped() {
        pen.adapt(Rule::ArgumentsWrapped);
    }
    let function = WireFunction { index, name: &call.function, arguments };
    WireCall { id: call.id.as_str(), r#type: "function", function }
}

/// A picture as the protocol takes it; `None` for what is no attachment.
fn picture(part: &Part) -> Option<Result<&str, String>> {
    let url = match part {
        Part::Image { url, .. } => url,
        Part::Audio { .. } => return Some(Err("this protocol takes no sound".to_owned())),
        Part::File { .. } => return Some(Err("this protocol takes no files".to_owned())),
        _ => return None,
    };
    let content = DataUrl::parse(url).map(|content| content.base64);
    Some(
        content.ok_or_else(|| {
            "this protocol takes pictures as `data:` URLs in base64 only".to_owned()
        }),
    )
}
