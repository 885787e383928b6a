//! What a model says, part by part, as events.
//!
//! Parts of one text come as one text, so that a reader sees it whole; where some of them were signed, a
//! block behind it says where they met.

use branchwork_core::{message::Native, provider::ProviderEvent};
use serde_json::{Map, Value, value::RawValue};

use super::chunk::{FunctionCall, Part};
use crate::{
    gemini::native::{self, Piece},
    loose::{arguments_of, value_of},
    tally::Tally,
    wire::Events,
};

/// What was said so far.
#[derive(Debug)]
pub(super) struct Speech {
    /// The model that was asked.
    model: String,
    tally: Tally,
    open: Open,
    /// Whether anything but thoughts was said.
    has_said: bool,
    /// Signed parts without content. They come last, or before what they belong to.
    silent: Vec<Native>,
}

/// What more may be added to.
#[derive(Debug)]
enum Open {
    Nothing,
    Thought,
    /// A text, and the pieces it was made of so far.
    Text(Vec<Piece>),
}

impl Speech {
    /// Nothing yet, in answer of `model` to a conversation of that many messages.
    pub(super) const fn new(model: String, conversation_len: usize) -> Self {
        Self {
            model,
            tally: Tally::new(conversation_len),
            open: Open::Nothing,
            has_said: false,
            silent: Vec::new(),
        }
    }

    /// Counts `bytes` of what was told beside the parts.
    ///
    /// # Errors
    ///
    /// What is wrong, when there are more than an answer may have.
    pub(super) fn count(&mut self, bytes: usize) -> Result<(), String> {
        self.tally.count(bytes)
    }

    /// Whether anything but thoughts was said.
    pub(super) const fn has_said(&self) -> bool {
        self.has_said
    }

    /// Whether a tool was called.
    pub(super) const fn has_calls(&self) -> bool {
        self.tally.has_calls()
    }

    /// Takes the next part.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn push(&mut self, raw: &RawValue, events: &mut Events) -> Result<(), String> {
        // All of a part is kept: what stands beside its content, too, and what of it is silent.
        self.count(raw.get().len())?;
        let part: Part<'_> = match serde_json::from_str(raw.get()) {
            Ok(part) => part,
            // A part whose fields have other types than they had is one we do not know.
            Err(_unknown) => {
                self.block(raw, events);
                return Ok(());
            }
        };
        match (&part.function_call, &part.text) {
            (Some(call), _) => return self.call(call, part.marks(), events),
            (None, Some(text)) if part.thought == Some(true) => {
                self.thought(&text.0, part.marks(), events);
            }
            (None, Some(text)) => self.text(&text.0, part.marks(), raw, events),
            (None, None) => self.block(raw, events),
        }
        Ok(())
    }

    /// Ends what is open. What was signed without content is kept if anything was said: alone it is
    /// no answer.
    pub(super) fn end(&mut self, events: &mut Events) {
        self.close(events);
        if self.has_said {
            events.extend(self.silent.drain(..).map(ProviderEvent::Native));
        }
    }

    fn thought(&mut self, text: &str, marks: Map<String, Value>, events: &mut Events) {
        if text.is_empty() && marks.is_empty() {
            return;
        }
        if !matches!(self.open, Open::Thought) {
            self.close(events);
        }
        if !text.is_empty() {
            events.push_back(ProviderEvent::Reasoning(text.to_owned()));
            self.open = Open::Thought;
        }
        if !marks.is_empty() {
            self.end_thought(marks, events);
        }
    }

    fn text(&mut self, text: &str, marks: Map<String, Value>, raw: &RawValue, events: &mut Events) {
        if text.is_empty() && marks.is_empty() {
            return;
        }
        if let Open::Text(pieces) = &mut self.open {
            add_piece(pieces, text.len(), marks);
        } else if text.is_empty() {
            // There is no text that it could be a piece of.
            self.silent.push(native::native(&self.model, value_of(raw)));
        } else {
            self.say(events);
            self.open = Open::Text(vec![Piece { bytes: text.len(), marks }]);
        }
        if !text.is_empty() {
            events.push_back(ProviderEvent::Text(text.to_owned()));
        }
    }

    fn call(
        &mut self,
        call: &FunctionCall<'_>,
        marks: Map<String, Value>,
        events: &mut Events,
    ) -> Result<(), String> {
        let (index, started) = self.tally.begin_call(call.id.said(), call.name.said())?;
        self.say(events);
        if !marks.is_empty() {
            events.push_back(ProviderEvent::Native(native::native(&self.model, marks)));
        }
        events.push_back(started);
        let text = arguments_of(call.args).into_owned();
        if !text.is_empty() {
            events.push_back(ProviderEvent::CallArguments { index, text });
        }
        Ok(())
    }

    /// A part that only Gemini understands.
    fn block(&mut self, raw: &RawValue, events: &mut Events) {
        self.say(events);
        events.push_back(ProviderEvent::Native(native::native(&self.model, value_of(raw))));
    }

    /// Before anything but a thought is said.
    fn say(&mut self, events: &mut Events) {
        self.close(events);
        self.has_said = true;
        events.extend(self.silent.drain(..).map(ProviderEvent::Native));
    }

    fn close(&mut self, events: &mut Events) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => {}
            Open::Thought => self.end_thought(Map::new(), events),
            Open::Text(pieces) if pieces.iter().all(|piece| piece.marks.is_empty()) => {}
            Open::Text(pieces) => {
                let block = native::texts(pieces);
                events.push_back(ProviderEvent::Native(native::native(&self.model, block)));
            }
        }
    }

    fn end_thought(&mut self, marks: Map<String, Value>, events: &mut Events) {
        let native = Some(native::native(&self.model, marks));
        events.push_back(ProviderEvent::ReasoningEnded { native });
        self.open = Open::Nothing;
    }
}

/// Adds a piece of a text. Pieces without marks are one.
fn add_piece(pieces: &mut Vec<Piece>, bytes: usize, marks: Map<String, Value>) {
    match pieces.last_mut() {
        Some(last) if last.marks.is_empty() && marks.is_empty() => last.bytes += bytes,
        _ => pieces.push(Piece { bytes, marks }),
    }
}
