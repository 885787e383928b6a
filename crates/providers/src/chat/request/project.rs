//! Messages, projected into what the protocol can say.
//!
//! One function a rule. No rule looks at a later message, so a longer conversation renders to the
//! same bytes as far as the shorter one goes. The record is never changed: what a server wants
//! otherwise is done here.

use std::{borrow::Cow, collections::BTreeMap};

use branchwork_core::message::{Body, Outcome, Part, ToolCall};
use serde::Serialize;
use serde_json::Value;

use super::{
    call_id::call_id,
    parts::{WireAudio, WirePart, has_attachments, wire_parts},
    thoughts::{Thoughts, is_of_another},
};
use crate::{
    arguments::legal_arguments,
    call_fields,
    call_name::call_name,
    chat::PROTOCOL,
    dialect::{AfterResults, CallIds, Dialect, ReasoningBack, SystemRole},
    joined::Joined,
    rules::Rule,
    wire::Pen,
};

/// Writes what is sent for `body`, if anything is.
pub(in crate::chat) fn message(
    pen: &mut Pen,
    body: &Body,
    (dialect, model): (Dialect, &str),
) -> Result<(), String> {
    check(body)?;
    note_adaptations(pen, body, (dialect, model));
    let Some(wire) = project(body, (dialect, model)) else {
        pen.adapt(Rule::EmptyAnswerLeftOut);
        return Ok(());
    };
    let is_after_results = pen.open.replace(wire.role) == Some("tool");
    if is_after_results && wire.role == "user" && dialect.after_results == AfterResults::Answer {
        pen.adapt(Rule::AnswerPutIn);
        pen.item(&WireMessage::new("assistant", Content::Text(Cow::Borrowed(NO_ANSWER))))?;
    }
    pen.item(&wire)
}

/// What stands for an answer that never came, where a server wants one.
const NO_ANSWER: &str = "(no answer)";

/// Refuses what the protocol cannot say and nobody should miss.
fn check(body: &Body) -> Result<(), String> {
    let Body::Instruction { parts, .. } = body else { return Ok(()) };
    parts.iter().try_for_each(|part| match part {
        Part::Audio { url } => WireAudio::read(url).map(drop),
        _ => Ok(()),
    })
}

/// Notes what of an answer is not sent back as it is kept.
fn note_adaptations(pen: &mut Pen, body: &Body, (dialect, model): (Dialect, &str)) {
    let (Body::Response { parts } | Body::ActionRequest { parts, .. }) = body else { return };
    for part in parts {
        match part {
            Part::Reasoning { .. } if dialect.reasoning == ReasoningBack::Never => {
                pen.adapt(Rule::ThoughtLeftOut);
            }
            part if dialect.reasoning == ReasoningBack::ReasoningDetails
                && is_of_another(part, model) =>
            {
                pen.adapt(Rule::ThoughtOfOtherModelLeftOut);
            }
            Part::Native(native) => match call_fields::of(native, PROTOCOL) {
                Some(_) if native.model == model => {}
                Some(_) => pen.adapt(Rule::NativeOfOtherModelLeftOut),
                None => pen.adapt(Rule::NativeLeftOut),
            },
            part if part.is_attachment() => pen.adapt(Rule::AttachmentLeftOut),
            _ => {}
        }
    }
    let Body::ActionRequest { calls, .. } = body else { return };
    for call in calls {
        if matches!(call_id(call.id.as_str(), dialect.call_ids), Cow::Owned(_)) {
            pen.adapt(Rule::CallIdRemade);
        }
        if matches!(call_name(&call.function), Cow::Owned(_)) {
            pen.adapt(Rule::CallNameRemade);
        }
        if matches!(legal_arguments(&call.arguments), Cow::Owned(_)) {
            pen.adapt(Rule::ArgumentsWrapped);
        }
    }
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: Content<'a>,
    #[serde(flatten)]
    thoughts: Thoughts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Vec<WireCall<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(Cow<'a, str>),
    Joined(Joined<'a>),
    Parts(Vec<WirePart<'a>>),
    Nothing(()),
}

#[derive(Serialize)]
struct WireCall<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    function: WireFunction<'a>,
    #[serde(flatten)]
    extras: BTreeMap<&'a str, &'a Value>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    name: Cow<'a, str>,
    arguments: Cow<'a, str>,
}

impl<'a> WireMessage<'a> {
    fn new(role: &'static str, content: Content<'a>) -> Self {
        let thoughts = Thoughts::default();
        Self { role, content, thoughts, tool_calls: None, tool_call_id: None }
    }
}

/// What is sent for a body; `None` when there is nothing to say.
fn project<'a>(body: &'a Body, (dialect, model): (Dialect, &str)) -> Option<WireMessage<'a>> {
    match body {
        Body::System { text } => Some(system(text, dialect)),
        Body::Instruction { parts, context } => Some(instruction(parts, context.as_ref())),
        Body::Response { parts } => response(parts, (dialect, model)),
        Body::ActionRequest { parts, calls } => {
            Some(action_request(parts, calls, (dialect, model)))
        }
        Body::ActionResponse { call, outcome, .. } => {
            Some(action_response(call.as_str(), outcome, dialect))
        }
        _ => None,
    }
}

fn system(text: &str, dialect: Dialect) -> WireMessage<'_> {
    let role = match dialect.system_role {
        SystemRole::System => "system",
        SystemRole::Developer => "developer",
    };
    WireMessage::new(role, Content::Text(Cow::Borrowed(text)))
}

/// Text becomes a string, because that is what every server reads; attachments make it a list.
fn instruction<'a>(parts: &'a [Part], context: Option<&'a Value>) -> WireMessage<'a> {
    let content = if has_attachments(parts) {
        Content::Parts(wire_parts(parts, context))
    } else {
        Content::Joined(Joined::new(parts, context))
    };
    WireMessage::new("user", content)
}

/// An answer without text, such as one interrupted before its first word, is left out: servers
/// refuse it. Pictures and files in an answer are left out too: no server takes them back.
fn response<'a>(parts: &'a [Part], (dialect, model): (Dialect, &str)) -> Option<WireMessage<'a>> {
    let text = Joined::new(parts, None);
    if text.is_empty() {
        return None;
    }
    let mut message = WireMessage::new("assistant", Content::Joined(text));
    message.thoughts = Thoughts::of(parts, (dialect.reasoning, model));
    Some(message)
}

/// The text beside calls is `null` when there is none: some servers refuse an empty one.
fn action_request<'a>(
    parts: &'a [Part],
    calls: &'a [ToolCall],
    (dialect, model): (Dialect, &str),
) -> WireMessage<'a> {
    let text = Joined::new(parts, None);
    let content = if text.is_empty() { Content::Nothing(()) } else { Content::Joined(text) };
    let mut message = WireMessage::new("assistant", content);
    message.thoughts = Thoughts::of_calls(parts, (dialect.reasoning, model));
    let own = |part: &'a Part| match part {
        Part::Native(native) if native.model == model => call_fields::of(native, PROTOCOL),
        _ => None,
    };
    let kept: Vec<_> = parts.iter().filter_map(own).collect();
    let wire = |call: &'a ToolCall| {
        let its = kept.iter().filter(|(id, _)| *id == call.id.as_str());
        let fields = its.flat_map(|(_, fields)| *fields).map(|(name, value)| (&**name, value));
        WireCall {
            extras: fields.filter(|(name, _)| !OURS.contains(name)).collect(),
            ..wire_call(call, dialect.call_ids)
        }
    };
    message.tool_calls = Some(calls.iter().map(wire).collect());
    message
}

/// The fields of a call that we write ourselves.
const OURS: [&str; 4] = ["function", "id", "index", "type"];

fn wire_call(call: &ToolCall, form: CallIds) -> WireCall<'_> {
    let arguments = legal_arguments(&call.arguments);
    WireCall {
        id: call_id(call.id.as_str(), form),
        r#type: "function",
        function: WireFunction { name: call_name(&call.function), arguments },
        extras: BTreeMap::new(),
    }
}

fn action_response<'a>(call: &'a str, outcome: &'a Outcome, dialect: Dialect) -> WireMessage<'a> {
    let mut message = WireMessage::new("tool", Content::Text(outcome.shown()));
    message.tool_call_id = Some(call_id(call, dialect.call_ids));
    message
}
