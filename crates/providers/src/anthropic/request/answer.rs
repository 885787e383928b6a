//! What a model said, in blocks: those of this server as it sent them, at their places.

use std::collections::{BTreeMap, BTreeSet};

use branchwork_core::message::{Native, Part, ToolCall};
use serde_json::Value;

use super::{
    block::{self, Block, Own},
    names::call_id,
};
use crate::{
    anthropic::{
        NAME,
        model::{are_alike, is_claude},
    },
    call_fields,
    rules::Rule,
    wire::{Pen, Place},
};

/// The blocks of an answer; none when nothing of it can be sent. What is adapted is noted.
pub(super) fn blocks<'a>(
    pen: &mut Pen,
    parts: &'a [Part],
    calls: &'a [ToolCall],
    place: Place<'_>,
) -> Vec<Block<'a>> {
    let (placed, blocks) = (BTreeSet::new(), Vec::new());
    let mut answer = Answer { pen, parts, calls, place, placed, blocks };
    let mut parts = parts.iter().enumerate().peekable();
    while let Some((at, part)) = parts.next() {
        match (part, parts.peek()) {
            (Part::Text(text), Some((_, Part::Native(native)))) if has_citations(native) => {
                answer.cited(text, native);
                parts.next();
            }
            (part, _) => answer.part(part, at),
        }
    }
    for place in 0..calls.len() {
        answer.call(place);
    }
    let Answer { mut blocks, pen, .. } = answer;
    leave_out_unpaired(pen, &mut blocks, place.is_last && calls.is_empty());
    forget_callers(&mut blocks);
    say_before_calls(pen, &mut blocks);
    leave_out_displaced(pen, &mut blocks);
    blocks
}

/// Whether the server goes on with its own tools when it gets the answer back as it is: it ends with a
/// call of one.
pub(super) fn is_paused(blocks: &[Block<'_>]) -> bool {
    matches!(blocks.last(), Some(Block::Native(block)) if called(block).is_some())
}

struct Answer<'p, 'a, 'm> {
    pen: &'p mut Pen,
    parts: &'a [Part],
    calls: &'a [ToolCall],
    place: Place<'m>,
    /// Which calls were written.
    placed: BTreeSet<usize>,
    blocks: Vec<Block<'a>>,
}

impl<'a> Answer<'_, 'a, '_> {
    fn part(&mut self, part: &'a Part, at: usize) {
        match part {
            Part::Text(text) => self.text(text),
            Part::Data(value) => self.blocks.extend(Block::text(value.to_string())),
            Part::Reasoning { detail, .. } => self.thought(detail.as_ref(), at),
            Part::Native(native) => self.native(native),
            Part::Call(place) => self.call(usize::try_from(*place).unwrap_or(usize::MAX)),
            _ => self.pen.adapt(Rule::AttachmentLeftOut),
        }
    }

    fn text(&mut self, text: &'a str) {
        let block = Block::text(text);
        if block.is_none() && !text.is_empty() {
            self.pen.adapt(Rule::BlankTextLeftOut);
        }
        self.blocks.extend(block);
    }

    /// Signatures are checked by the model that gave them: see the rules in
    /// [`anthropic`](crate::anthropic).
    fn thought(&mut self, detail: Option<&'a Value>, at: usize) {
        let model = self.place.model;
        match detail.and_then(|detail| Native::in_detail(detail, NAME)) {
            Some((_, block)) if is_claude(model) && is_unsigned(block) => {
                self.pen.adapt(Rule::ThoughtLeftOut);
            }
            Some((by, block)) if by == model => self.blocks.push(Block::Thought(block, at)),
            Some(_) => self.pen.adapt(Rule::ThoughtOfOtherModelLeftOut),
            None => self.pen.adapt(Rule::ThoughtLeftOut),
        }
    }

    fn native(&mut self, native: &'a Native) {
        let is_of_call = call_fields::of(native, NAME).is_some();
        if is_of_call && self.knows(native) {
            // It goes with its call.
        } else if self.knows(native) && native.block.is_object() {
            self.blocks.push(Block::Native(&native.block));
        } else {
            self.pen.adapt(Rule::NativeLeftOut);
        }
    }

    fn knows(&self, native: &Native) -> bool {
        native.protocol == NAME && are_alike(self.place.model, &native.model)
    }

    /// A text whose pieces, with their citations, are told after it.
    fn cited(&mut self, text: &'a str, native: &'a Native) {
        let pieces = native.block.as_array().map(Vec::as_slice).unwrap_or_default();
        let said = pieces.iter().map(text_of).collect::<Option<String>>();
        if self.knows(native) && said.is_some_and(|said| said == text) {
            let says = |piece: &&Value| text_of(piece).is_some_and(|text| !text.trim().is_empty());
            self.blocks.extend(pieces.iter().filter(says).map(Block::Cited));
        } else {
            self.pen.adapt(Rule::CitationsLeftOut);
            self.text(text);
        }
    }

    fn call(&mut self, place: usize) {
        let Some(call) = self.calls.get(place) else { return };
        if !self.placed.insert(place) {
            return;
        }
        let id = call.id.as_str();
        let written = self.pen.calls.call(id, &call_id(id));
        if written != id {
            self.pen.adapt(Rule::CallIdRemade);
        }
        let natives = self.parts.iter().filter_map(|part| match part {
            Part::Native(native) if self.knows(native) => call_fields::of(native, NAME),
            _ => None,
        });
        let fields: Vec<_> = natives.filter(|(of, _)| *of == id).flat_map(|(_, all)| all).collect();
        let block = block::call(self.pen, written, call, fields);
        self.blocks.push(block);
    }
}

/// Whether it is the pieces of the text before it.
fn has_citations(native: &Native) -> bool {
    native.protocol == NAME && native.block.is_array()
}

fn text_of(piece: &Value) -> Option<&str> {
    piece.get("text")?.as_str()
}

/// Whether nobody vouches for the thought.
fn is_unsigned(block: &Value) -> bool {
    let signature = block.get("signature").and_then(Value::as_str).unwrap_or_default();
    block.get("type").is_some_and(|kind| kind == "thinking") && signature.is_empty()
}

/// The identifier of a call that the server runs itself.
fn called(block: &Value) -> Option<&str> {
    let is_call = block.get("type")?.as_str()?.ends_with("_tool_use");
    is_call.then(|| block.get("id")?.as_str()).flatten()
}

/// The identifier of the call that a result of the server belongs to.
fn answered(block: &Value) -> Option<&str> {
    let is_result = block.get("type")?.as_str()?.ends_with("_tool_result");
    is_result.then(|| block.get("tool_use_id")?.as_str()).flatten()
}

/// Leaves out calls of the server's tools that have no result after them, and results without their
/// call: the API refuses both. The server still runs a call that ends the conversation.
///
/// It also runs one that was made beside calls of ours, if nothing but their results follows, and tells
/// its result in the answer after them. What follows is not known here; such a call is left out, and the
/// model makes it again.
fn leave_out_unpaired(pen: &mut Pen, blocks: &mut Vec<Block<'_>>, ends_conversation: bool) {
    let (mut open, mut paired) = (BTreeMap::new(), BTreeSet::new());
    for (index, block) in blocks.iter().enumerate() {
        let Block::Native(block) = block else { continue };
        if let Some(id) = called(block) {
            open.insert(id, index);
        } else if let Some(call) = answered(block).and_then(|id| open.remove(id)) {
            paired.extend([call, index]);
        }
    }
    let last = blocks.len().checked_sub(1).filter(|_| ends_conversation);
    let mut indices = 0..;
    blocks.retain(|block| {
        let index = indices.next();
        let Block::Native(block) = block else { return true };
        let is_pair = called(block).or(answered(block)).is_some();
        let is_next = index == last && called(block).is_some();
        let stays = !is_pair || is_next || index.is_some_and(|index| paired.contains(&index));
        if !stays {
            pen.adapt(Rule::UnpairedNativeLeftOut);
        }
        stays
    });
}

/// Does not say of a call that one of the server's tools made it, where the call of that tool is not sent.
fn forget_callers(blocks: &mut [Block<'_>]) {
    let natives = blocks.iter().filter_map(|block| match block {
        Block::Native(block) => called(block),
        _ => None,
    });
    let sent: BTreeSet<&str> = natives.collect();
    for block in blocks {
        let Block::Own(Own::ToolUse { fields, .. }) = block else { continue };
        let caller = fields.get("caller").and_then(|caller| caller.get("tool_id")?.as_str());
        if caller.is_some_and(|caller| !sent.contains(caller)) {
            fields.remove("caller");
        }
    }
}

/// Puts what was said after the last call before it: the API takes an answer that ends with a text for
/// the beginning of the next one.
fn say_before_calls(pen: &mut Pen, blocks: &mut [Block<'_>]) {
    let Some(last) = blocks.iter().rposition(Block::is_call) else { return };
    let Some(rest) = blocks.get_mut(last..) else { return };
    if rest.iter().any(Block::is_text) {
        rest.rotate_left(1);
        pen.adapt(Rule::TextPutBeforeCalls);
    }
}

/// Leaves out thoughts where the model never had one: at the end, and right behind another that they
/// were not behind before.
fn leave_out_displaced(pen: &mut Pen, blocks: &mut Vec<Block<'_>>) {
    let mut before = None;
    blocks.retain(|block| {
        let Block::Thought(_, at) = *block else {
            before = None;
            return true;
        };
        let stays = before.is_none_or(|before| before + 1 == at);
        if stays {
            before = Some(at);
        } else {
            pen.adapt(Rule::DisplacedThoughtLeftOut);
        }
        stays
    });
    while matches!(blocks.last(), Some(Block::Thought(..))) {
        blocks.pop();
        pen.adapt(Rule::ThoughtAtEndLeftOut);
    }
}
