//! Answers of models, projected into turns of the model.

use std::collections::BTreeSet;

use branchwork_core::message::{Native, Part, ToolCall};
use serde_json::{Map, Value};

use super::{
    contents::{self, Turn},
    names,
    parts::{Marks, WireCall, WirePart, WireText},
};
use crate::{
    arguments::ArgumentsObject,
    gemini::{
        PROTOCOL,
        model::{Family, Model},
        native::{self, Block},
    },
    joined::Joined,
    rules::Rule,
    wire::Pen,
};

/// Writes an answer, its calls at their places among its parts.
pub(super) fn answer(
    pen: &mut Pen,
    parts: &[Part],
    calls: &[ToolCall],
    model: Model<'_>,
) -> Result<(), String> {
    let mut answer =
        Answer { pen, model, calls, wire: Vec::new(), marks: None, placed: BTreeSet::new() };
    let mut rest = parts;
    while let [part, behind @ ..] = rest {
        answer.part(part, behind.first());
        rest = behind;
    }
    for place in 0..calls.len() {
        answer.call(place);
    }
    answer.drop_marks();
    let wire = answer.wire;
    if !wire.iter().any(WirePart::is_said) {
        pen.adapt(Rule::EmptyAnswerLeftOut);
        return Ok(());
    }
    contents::write(pen, Turn::Model, &wire)
}

/// An answer as far as it was projected.
struct Answer<'a, 'p> {
    pen: &'p mut Pen,
    /// The model that is asked.
    model: Model<'a>,
    calls: &'a [ToolCall],
    wire: Vec<WirePart<'a>>,
    /// What stands beside the call that comes next.
    marks: Option<&'a Map<String, Value>>,
    /// The calls that were written.
    placed: BTreeSet<usize>,
}

impl<'a> Answer<'a, '_> {
    fn part(&mut self, part: &'a Part, next: Option<&'a Part>) {
        if let Part::Call(place) = part {
            return self.call(usize::try_from(*place).unwrap_or(usize::MAX));
        }
        self.drop_marks();
        match part {
            Part::Text(text) => self.text(text, next),
            Part::Data(_) => {
                let text = WireText::Joined(Joined::new(std::slice::from_ref(part), None));
                self.wire.push(WirePart::Text { text, marks: Marks::None });
            }
            Part::Reasoning { text, detail } => self.thought(text, detail.as_ref()),
            Part::Native(native) => self.native(native),
            part if part.is_attachment() => self.pen.adapt(Rule::AttachmentLeftOut),
            _ => {}
        }
    }

    /// A text is cut again into the parts that were signed.
    fn text(&mut self, text: &'a str, next: Option<&'a Part>) {
        let pieces = match next {
            Some(Part::Native(native)) if self.is_own(native) => match Block::read(&native.block) {
                Some(Block::Texts(pieces)) => native::cut(text, pieces),
                _ => None,
            },
            _ => None,
        };
        if let Some(pieces) = pieces {
            self.wire.extend(pieces.into_iter().map(|(text, marks)| WirePart::Text {
                text: WireText::Plain(text),
                marks: Marks::Cut(marks),
            }));
        } else if !text.is_empty() {
            self.wire.push(WirePart::text(text));
        }
    }

    fn thought(&mut self, text: &'a str, detail: Option<&'a Value>) {
        let native = detail.and_then(|detail| Native::in_detail(detail, PROTOCOL));
        let takes_thoughts = self.model.family() != Family::Gemma;
        let own = native.filter(|(model, _)| takes_thoughts && self.is_asked(model));
        match own.and_then(|(_, block)| block.as_object()) {
            Some(marks) if !text.is_empty() || !marks.is_empty() => {
                self.wire.push(WirePart::Thought {
                    text,
                    thought: true,
                    marks: Marks::Kept(marks),
                });
            }
            Some(_) => {}
            None => self.pen.adapt(Rule::ThoughtLeftOut),
        }
    }

    fn native(&mut self, native: &'a Native) {
        let block = Some(&native.block).filter(|_| native.protocol == PROTOCOL);
        match block.and_then(Block::read) {
            None => self.pen.adapt(Rule::NativeLeftOut),
            Some(Block::Source) => self.pen.adapt(Rule::SourceLeftOut),
            Some(Block::Marks(marks)) if self.is_own(native) => self.marks = Some(marks),
            Some(Block::Texts(_)) if self.was_cut() => {}
            Some(Block::Marks(_) | Block::Texts(_)) => self.pen.adapt(Rule::SignatureLeftOut),
            Some(Block::Part(part)) if self.is_own(native) => {
                self.wire.push(WirePart::Native(part));
            }
            Some(Block::Part(part)) => self.foreign(part),
        }
    }

    /// A block of another Gemini. What all of them understand is sent without its signature.
    fn foreign(&mut self, part: &Map<String, Value>) {
        if !part.keys().any(|field| native::CONTENTS.contains(&field.as_str())) {
            return self.pen.adapt(Rule::NativeLeftOut);
        }
        let mut part = part.clone();
        if part.remove(native::SIGNATURE).is_some() {
            self.pen.adapt(Rule::SignatureLeftOut);
        }
        self.wire.push(WirePart::Unsigned(part));
    }

    /// Writes the call at `place`, unless it was. Gemini 3 wants the first of an answer to be signed.
    fn call(&mut self, place: usize) {
        let Some(call) = self.calls.get(place) else { return };
        if !self.placed.insert(place) {
            return;
        }
        let is_new = self.model.family() == Family::Gemini3;
        let marks = self.marks.take();
        let is_signed = marks.is_some_and(|marks| marks.contains_key(native::SIGNATURE));
        let marks = match marks {
            _ if is_new && self.placed.len() == 1 && !is_signed => {
                self.pen.adapt(Rule::SignaturePutIn);
                Marks::STAND_IN
            }
            Some(marks) => Marks::Kept(marks),
            None => Marks::None,
        };
        let args = ArgumentsObject::read(&call.arguments);
        if args.is_wrapped() {
            self.pen.adapt(Rule::ArgumentsWrapped);
        }
        let name = names::legal(&call.function);
        if name != call.function {
            self.pen.adapt(Rule::CallNameRemade);
        }
        let id = is_new.then_some(call.id.as_str());
        self.wire.push(WirePart::Call { function_call: WireCall { id, name, args }, marks });
    }

    /// Marks whose call does not follow have nothing to stand beside.
    fn drop_marks(&mut self) {
        if self.marks.take().is_some_and(|marks| !marks.is_empty()) {
            self.pen.adapt(Rule::SignatureLeftOut);
        }
    }

    /// Whether the part before was a text that was cut into pieces.
    fn was_cut(&self) -> bool {
        matches!(self.wire.last(), Some(WirePart::Text { marks: Marks::Cut(_), .. }))
    }

    fn is_own(&self, native: &Native) -> bool {
        native.protocol == PROTOCOL && self.is_asked(&native.model)
    }

    fn is_asked(&self, model: &str) -> bool {
        Model::named(model) == self.model
    }
}
