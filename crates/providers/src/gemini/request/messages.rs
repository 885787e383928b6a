//! Messages, projected into turns.
//!
//! No rule looks at another message, so a longer conversation renders to the same bytes as far as the
//! shorter one goes. The record is never changed: what Gemini wants otherwise is done here.

use std::slice;

use branchwork_core::{
    limits::TOOL_OUTPUT_SHOWN_BYTES_MAX,
    message::{Body, Outcome, Part},
};
use serde_json::Value;

use super::{
    answers,
    contents::{self, Turn},
    media, names,
    parts::{Marks, Output, Response, WirePart, WireResult, WireText},
};
use crate::{
    gemini::model::{Family, Model},
    joined::{Context, Joined},
    rules::Rule,
    wire::Pen,
};

/// Writes what is sent for `body`, if anything is.
///
/// # Errors
///
/// That the protocol cannot say it and nobody should miss it.
pub(in crate::gemini) fn message(
    pen: &mut Pen,
    body: &Body,
    model: Model<'_>,
) -> Result<(), String> {
    match body {
        Body::System { text } => system(pen, text),
        Body::Instruction { parts, context } => instruction(pen, parts, context.as_ref(), model),
        Body::Response { parts } => answers::answer(pen, parts, &[], model),
        Body::ActionRequest { parts, calls } => answers::answer(pen, parts, calls, model),
        Body::ActionResponse { call, function, outcome } => {
            let function_response = WireResult {
                id: (model.family() == Family::Gemini3).then_some(call.as_str()),
                name: names::legal(function),
                response: response(outcome),
            };
            contents::write(pen, Turn::Results, &[WirePart::Result { function_response }])
        }
        _ => Ok(()),
    }
}

/// System text is before all turns, or it is what the user says.
fn system(pen: &mut Pen, text: &str) -> Result<(), String> {
    if text.is_empty() {
        pen.adapt(Rule::BlankTextLeftOut);
        return Ok(());
    }
    let turn = if pen.begun == 0 { Turn::System } else { Turn::User };
    if turn == Turn::User {
        pen.adapt(Rule::SystemAsUser);
    }
    contents::write(pen, turn, &[WirePart::text(text)])
}

/// Text is one part, as a model reads it; attachments make it several.
fn instruction<'a>(
    pen: &mut Pen,
    parts: &'a [Part],
    context: Option<&'a Value>,
    model: Model<'_>,
) -> Result<(), String> {
    if !parts.iter().any(Part::is_attachment) {
        let text = Joined::new(parts, context);
        if text.is_empty() {
            return contents::blank(pen, Rule::BlankPutIn);
        }
        return contents::write(pen, Turn::User, &[said(WireText::Joined(text))]);
    }
    let mut wire = Vec::new();
    for part in parts {
        if let Some(content) = media::media(part, model) {
            if media::loses_detail(part, model) {
                pen.adapt(Rule::ImageDetailLeftOut);
            }
            wire.push(content?);
            continue;
        }
        let text = Joined::new(slice::from_ref(part), None);
        if !text.is_empty() {
            wire.push(said(WireText::Joined(text)));
        }
    }
    wire.extend(context.map(|context| said(WireText::Context(Context::new(context)))));
    contents::write(pen, Turn::User, &wire)
}

const fn said(text: WireText<'_>) -> WirePart<'_> {
    WirePart::Text { text, marks: Marks::None }
}

/// What came of a call. A value is sent as it is, unless it is longer than what models are shown.
fn response(outcome: &Outcome) -> Response<'_> {
    let shown = outcome.shown();
    match outcome {
        Outcome::Succeeded(value)
            if !value.is_string() && shown.len() <= TOOL_OUTPUT_SHOWN_BYTES_MAX =>
        {
            Response::Output(Output::Value(value))
        }
        Outcome::Succeeded(_) => Response::Output(Output::Text(shown)),
        _ => Response::Error(shown),
    }
}
