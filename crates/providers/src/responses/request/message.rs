//! Messages, written as items of the protocol.
//!
//! No item depends on another message, so a longer conversation renders to the same bytes as far as the
//! shorter one goes. The record is never changed: what a server wants otherwise is done here.

use std::borrow::Cow;

use branchwork_core::message::{Body, CallId, Outcome, Part};
use serde::Serialize;
use serde_json::Value;

use super::{
    answer::answer,
    call::call_id,
    content::{Content, contents},
};
use crate::{joined::Joined, wire::Pen};

/// An item of the protocol that is made of what we keep.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        role: &'static str,
        content: Said<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<&'a str>,
    },
    FunctionCall {
        call_id: Cow<'a, str>,
        name: Cow<'a, str>,
        arguments: Cow<'a, str>,
    },
    FunctionCallOutput {
        call_id: Cow<'a, str>,
        output: Cow<'a, str>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Said<'a> {
    Text(&'a str),
    Joined(Joined<'a>),
    Parts(Vec<Content<'a>>),
}

/// Writes the items that are sent to `model` for `body`, if any are.
///
/// # Errors
///
/// What the protocol cannot say, as a clause.
pub(in crate::responses) fn message(pen: &mut Pen, body: &Body, model: &str) -> Result<(), String> {
    match body {
        Body::System { text } => pen.item(&said("system", Said::Text(text))),
        Body::Instruction { parts, context } => {
            pen.item(&said("user", instruction(parts, context.as_ref())?))
        }
        Body::Response { parts } => answer(pen, parts, &[], model),
        Body::ActionRequest { parts, calls } => answer(pen, parts, calls, model),
        Body::ActionResponse { call, outcome, .. } => result(pen, call, outcome),
        _ => Ok(()),
    }
}

const fn said<'a>(role: &'static str, content: Said<'a>) -> Item<'a> {
    Item::Message { role, content, phase: None }
}

/// Text becomes a string, because that is what every server reads; attachments make it a list.
fn instruction<'a>(parts: &'a [Part], context: Option<&'a Value>) -> Result<Said<'a>, String> {
    if parts.iter().any(Part::is_attachment) {
        Ok(Said::Parts(contents(parts, context)?))
    } else {
        Ok(Said::Joined(Joined::new(parts, context)))
    }
}

/// Its call, remade there or not, has the same identifier.
fn result(pen: &mut Pen, call: &CallId, outcome: &Outcome) -> Result<(), String> {
    pen.item(&Item::FunctionCallOutput { call_id: call_id(call.as_str()), output: outcome.shown() })
}
