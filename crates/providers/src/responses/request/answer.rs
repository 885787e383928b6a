//! Answers: their parts, written as items in their order.

use std::borrow::Cow;

use branchwork_core::message::{Native, Part, ToolCall};
use serde::Serialize;
use serde_json::Value;

use super::{
    call::call_id,
    hosted::{Pairs, ban, kind_of},
    message::{Item, Said},
    thought::Thought,
};
use crate::{
    arguments::legal_arguments, call_name::call_name, joined::Joined, responses::PROTOCOL,
    rules::Rule, wire::Pen,
};

/// Writes what `model` is sent for an answer.
///
/// # Errors
///
/// None that the parts cause.
pub(super) fn answer(
    pen: &mut Pen,
    parts: &[Part],
    calls: &[ToolCall],
    model: &str,
) -> Result<(), String> {
    let mut answer = Answer { pen, model, pairs: Pairs::among(parts), items: Vec::new() };
    answer.parts(parts, calls);
    answer.write()
}

/// An answer as far as it was taken apart.
struct Answer<'a, 'p> {
    pen: &'p mut Pen,
    model: &'a str,
    pairs: Pairs<'a>,
    items: Vec<Sent<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Sent<'a> {
    Made(Item<'a>),
    Thought(Thought<'a>),
    Hosted(&'a Value),
}

impl<'a> Answer<'a, '_> {
    /// Takes the parts in their order; calls without a place among them come after all.
    fn parts(&mut self, parts: &'a [Part], calls: &'a [ToolCall]) {
        let mut placed = vec![false; calls.len()];
        // Text that lies together is one message.
        let mut text_at = 0;
        for (index, part) in parts.iter().enumerate() {
            let note = note_in(part);
            let breaks = matches!(part, Part::Reasoning { .. } | Part::Native(_) | Part::Call(_));
            if breaks {
                self.text(parts.get(text_at..index).unwrap_or_default(), note);
                text_at = index + 1;
            }
            match part {
                Part::Reasoning { text, detail } => self.thought(text, detail.as_ref()),
                Part::Native(native) if note.is_none() => self.native(native),
                Part::Call(place) => self.placed(*place, calls, &mut placed),
                part if part.is_attachment() => self.pen.adapt(Rule::AttachmentLeftOut),
                _ => {}
            }
        }
        self.text(parts.get(text_at..).unwrap_or_default(), None);
        for (call, _) in calls.iter().zip(placed).filter(|(_, is_placed)| !is_placed) {
            self.call(call);
        }
    }

    /// The call with that number, unless it stands before.
    fn placed(&mut self, place: u32, calls: &'a [ToolCall], placed: &mut [bool]) {
        let Ok(place) = usize::try_from(place) else { return };
        match (placed.get_mut(place), calls.get(place)) {
            (Some(is_placed), Some(call)) if !*is_placed => {
                *is_placed = true;
                self.call(call);
            }
            _ => {}
        }
    }

    /// Text, and what a block after it says of its message.
    fn text(&mut self, parts: &'a [Part], note: Option<&'a Value>) {
        let text = Joined::new(parts, None);
        if text.is_empty() {
            return;
        }
        if note.is_some_and(|note| note.get("annotations").is_some()) {
            self.pen.adapt(Rule::CitationsLeftOut);
        }
        let phase = note.and_then(|note| note.get("phase")).and_then(Value::as_str);
        let content = Said::Joined(text);
        self.items.push(Sent::Made(Item::Message { role: "assistant", content, phase }));
    }

    /// A thought; several when the server told them late.
    fn thought(&mut self, text: &str, detail: Option<&'a Value>) {
        let details = match detail {
            Some(Value::Array(details)) => details.as_slice(),
            Some(detail) => std::slice::from_ref(detail),
            // A hidden thought that is gone but for its place.
            None if text.is_empty() => return,
            None => &[],
        };
        let before = self.items.len();
        let mut ban = Rule::ThoughtLeftOut;
        for detail in details {
            let Some((model, block)) = Native::in_detail(detail, PROTOCOL) else { continue };
            if model != self.model {
                ban = Rule::ThoughtOfOtherModelLeftOut;
                continue;
            }
            self.items.extend(Thought::read(block).map(Sent::Thought));
        }
        if self.items.len() == before {
            self.pen.adapt(ban);
        }
    }

    fn native(&mut self, native: &'a Native) {
        match ban(native, &self.pairs, self.model) {
            Some(rule) => self.pen.adapt(rule),
            None => self.items.push(Sent::Hosted(&native.block)),
        }
    }

    fn call(&mut self, call: &'a ToolCall) {
        let (call_id, name) = (call_id(call.id.as_str()), call_name(&call.function));
        let arguments = legal_arguments(&call.arguments);
        for (made, rule) in [
            (&call_id, Rule::CallIdRemade),
            (&name, Rule::CallNameRemade),
            (&arguments, Rule::ArgumentsWrapped),
        ] {
            if matches!(made, Cow::Owned(_)) {
                self.pen.adapt(rule);
            }
        }
        self.items.push(Sent::Made(Item::FunctionCall { call_id, name, arguments }));
    }

    fn write(mut self) -> Result<(), String> {
        // A thought is refused without what it led to.
        while self.items.pop_if(|item| matches!(item, Sent::Thought(_))).is_some() {
            self.pen.adapt(Rule::ThoughtAtEndLeftOut);
        }
        if self.items.is_empty() {
            self.pen.adapt(Rule::EmptyAnswerLeftOut);
        }
        for item in &self.items {
            if matches!(item, Sent::Thought(thought) if thought.is_stripped()) {
                self.pen.adapt(Rule::ThoughtIdLeftOut);
            }
            self.pen.item(item)?;
        }
        Ok(())
    }
}

/// The block that says of the text before it what that text does not say.
fn note_in(part: &Part) -> Option<&Value> {
    match part {
        Part::Native(native)
            if native.protocol == PROTOCOL && kind_of(&native.block) == Some("message") =>
        {
            Some(&native.block)
        }
        _ => None,
    }
}
