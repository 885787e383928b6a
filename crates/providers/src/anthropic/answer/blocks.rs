//! Blocks that are not whole yet.

use std::collections::BTreeMap;

use branchwork_core::{message::Native, provider::ProviderEvent};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{event::Delta, texts::Texts};
use crate::{anthropic::NAME, call_fields, loose::Text, tally::Tally, wire::Events};

/// The blocks of one answer so far.
#[derive(Debug)]
pub(super) struct Blocks {
    /// The model that was asked.
    model: String,
    tally: Tally,
    open: BTreeMap<u64, Block>,
    texts: Texts,
}

/// A block that goes on.
#[derive(Debug)]
enum Block {
    Text,
    Thought(Thought),
    Call(Call),
    Other(Other),
}

#[derive(Debug)]
struct Thought {
    fields: Map<String, Value>,
    text: String,
    signature: String,
}

#[derive(Debug)]
struct Call {
    index: u32,
    /// What its arguments are when none come in pieces.
    input: Option<String>,
    /// What the reader knows it by, and what else there is of it.
    extras: Option<(String, Map<String, Value>)>,
}

/// A block that only the server understands.
#[derive(Debug)]
struct Other {
    fields: Map<String, Value>,
    /// Its `input`, in pieces.
    input: String,
}

/// What a block begins with, where we read it.
#[derive(Deserialize)]
struct Begun<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow)]
    citations: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

impl Blocks {
    /// No blocks yet, of an answer of `model` to a conversation of that many messages.
    pub(super) fn new(model: &str, conversation_len: usize) -> Self {
        let (tally, open) = (Tally::new(conversation_len), BTreeMap::new());
        Self { model: model.to_owned(), tally, open, texts: Texts::default() }
    }

    /// Counts `bytes` of JSON that blocks are made of.
    ///
    /// # Errors
    ///
    /// What is wrong, when there are more than an answer may have.
    pub(super) fn count(&mut self, bytes: usize) -> Result<(), String> {
        self.tally.count(bytes)
    }

    /// Whether one of our tools was called.
    pub(super) const fn has_calls(&self) -> bool {
        self.tally.has_calls()
    }

    /// A block begins.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn begin(
        &mut self,
        index: u64,
        block: &RawValue,
        events: &mut Events,
    ) -> Result<(), String> {
        let raw = block.get();
        let begun: Begun<'_> = serde_json::from_str(raw).map_err(|error| error.to_string())?;
        let kind = begun.kind.0.as_ref();
        if kind != "text" {
            self.end_texts(events);
        }
        let block = match kind {
            "text" => self.begin_text(&begun, events),
            "thinking" => Block::Thought(begin_thought(raw, events)),
            "tool_use" => Block::Call(self.begin_call(&begun, raw, events)?),
            _ => Block::Other(Other { fields: fields(raw), input: String::new() }),
        };
        self.open.insert(index, block);
        Ok(())
    }

    fn begin_text(&mut self, begun: &Begun<'_>, events: &mut Events) -> Block {
        self.texts.begin();
        if let Some(text) = begun.text.said() {
            self.texts.push(text);
            events.push_back(ProviderEvent::Text(text.to_owned()));
        }
        let citations: Option<Vec<Value>> =
            begun.citations.and_then(|citations| serde_json::from_str(citations.get()).ok());
        citations.into_iter().flatten().for_each(|citation| self.texts.cite(citation));
        Block::Text
    }

    fn begin_call(
        &mut self,
        begun: &Begun<'_>,
        raw: &str,
        events: &mut Events,
    ) -> Result<Call, String> {
        let (index, started) = self.tally.begin_call(begun.id.said(), begun.name.said())?;
        let extras = Some(extras(raw)).filter(|extras| !extras.is_empty());
        let extras = match &started {
            ProviderEvent::CallStarted { id, .. } => extras.map(|extras| (id.clone(), extras)),
            _ => None,
        };
        events.push_back(started);
        let input = begun.input.map(RawValue::get).filter(|input| !is_empty(input));
        Ok(Call { index, input: input.map(str::to_owned), extras })
    }

    /// A block goes on. `raw` is the JSON of the event.
    pub(super) fn push(&mut self, index: u64, delta: Delta<'_>, raw: &str, events: &mut Events) {
        match self.open.get_mut(&index) {
            None => {}
            Some(Block::Text) => {
                let text = delta.text.0;
                if !text.is_empty() {
                    self.texts.push(&text);
                    events.push_back(ProviderEvent::Text(text.into_owned()));
                }
                let citation = delta.citation.and_then(|raw| serde_json::from_str(raw.get()).ok());
                if let Some(citation) = citation {
                    self.texts.cite(citation);
                }
            }
            Some(Block::Thought(thought)) => thought.push(delta, events),
            Some(Block::Call(call)) => {
                let (index, text) = (call.index, delta.partial_json.0);
                if !text.is_empty() {
                    call.input = None;
                    let text = text.into_owned();
                    events.push_back(ProviderEvent::CallArguments { index, text });
                }
            }
            Some(Block::Other(other)) if delta.kind.0 == "input_json_delta" => {
                other.input.push_str(&delta.partial_json.0);
            }
            Some(Block::Other(other)) => other.merge(raw),
        }
    }

    /// A block is whole.
    pub(super) fn end(&mut self, index: u64, events: &mut Events) {
        let Some(block) = self.open.remove(&index) else { return };
        let native = |block: Value| Native::new(NAME, &*self.model, block);
        let told = match block {
            Block::Text => [None, None],
            Block::Thought(thought) => {
                let native = Some(native(thought.whole().into()));
                [Some(ProviderEvent::ReasoningEnded { native }), None]
            }
            Block::Call(Call { index, input, extras }) => [
                input.map(|text| ProviderEvent::CallArguments { index, text }),
                extras.map(|(id, fields)| {
                    ProviderEvent::Native(native(call_fields::kept(&id, &fields)))
                }),
            ],
            Block::Other(other) => [
                Some(match native(other.whole().into()) {
                    // A thought that nobody may read is a thought.
                    hidden if is_hidden_thought(&hidden.block) => {
                        ProviderEvent::ReasoningEnded { native: Some(hidden) }
                    }
                    native => ProviderEvent::Native(native),
                }),
                None,
            ],
        };
        events.extend(told.into_iter().flatten());
    }

    /// The answer is over. Blocks whose end did not come are as whole as they will be, but for thoughts
    /// without a signature, which mean nothing to the server.
    pub(super) fn end_all(&mut self, events: &mut Events) {
        self.open.retain(|_, block| match block {
            Block::Thought(thought) => !thought.signature.is_empty(),
            _ => true,
        });
        while let Some(index) = self.open.keys().next().copied() {
            self.end(index, events);
        }
        self.end_texts(events);
    }

    fn end_texts(&mut self, events: &mut Events) {
        let native = self.texts.take().map(|blocks| Native::new(NAME, &*self.model, blocks));
        events.extend(native.map(ProviderEvent::Native));
    }
}

fn begin_thought(raw: &str, events: &mut Events) -> Thought {
    let fields = fields(raw);
    let said = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (text, signature) = (said("thinking"), said("signature"));
    if !text.is_empty() {
        events.push_back(ProviderEvent::Reasoning(text.clone()));
    }
    Thought { fields, text, signature }
}

impl Thought {
    fn push(&mut self, delta: Delta<'_>, events: &mut Events) {
        let text = delta.thinking.0;
        if !text.is_empty() {
            self.text.push_str(&text);
            events.push_back(ProviderEvent::Reasoning(text.into_owned()));
        }
        if let Some(signature) = delta.signature.said() {
            signature.clone_into(&mut self.signature);
        }
    }

    fn whole(mut self) -> Map<String, Value> {
        self.fields.insert("thinking".to_owned(), self.text.into());
        self.fields.insert("signature".to_owned(), self.signature.into());
        self.fields
    }
}

impl Other {
    /// Takes what a delta of a kind we do not know says: text is put behind text, the rest in the place
    /// of what was there.
    fn merge(&mut self, raw: &str) {
        let event = serde_json::from_str::<Value>(raw).unwrap_or_default();
        let Some(Value::Object(delta)) = event.get("delta") else { return };
        for (name, value) in delta.iter().filter(|(name, _)| *name != "type") {
            match (self.fields.get_mut(name), value) {
                (Some(Value::String(text)), Value::String(more)) => text.push_str(more),
                _ => drop(self.fields.insert(name.clone(), value.clone())),
            }
        }
    }

    fn whole(mut self) -> Map<String, Value> {
        if let Ok(input) = serde_json::from_str::<Value>(&self.input) {
            self.fields.insert("input".to_owned(), input);
        }
        self.fields
    }
}

fn fields(raw: &str) -> Map<String, Value> {
    serde_json::from_str(raw).unwrap_or_default()
}

/// The fields of a call that we do not read. That it is one of the model itself says nothing.
fn extras(raw: &str) -> Map<String, Value> {
    let mut fields = fields(raw);
    let is_direct = |caller: &Value| caller.get("type").is_some_and(|kind| kind == "direct");
    fields.retain(|name, value| match name.as_str() {
        "type" | "id" | "name" | "input" => false,
        "caller" => !is_direct(value),
        _ => !value.is_null(),
    });
    fields
}

fn is_empty(input: &str) -> bool {
    input == "null" || input.strip_prefix('{').is_some_and(|rest| rest.trim_start() == "}")
}

fn is_hidden_thought(block: &Value) -> bool {
    block.get("type").is_some_and(|kind| kind == "redacted_thinking")
}
