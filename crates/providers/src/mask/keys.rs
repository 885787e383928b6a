//! Which keys, and one piece of data without them.

use std::sync::Arc;

use branchwork_core::{
    provider::{Embeddings, EventStream, Finish, ModelInfo, ProviderEvent},
    secret::{Secret, begun, found, redact},
};
use serde_json::Value;

use super::events::{is_spelt, masked};

/// Letters from which on a key is taken out of answers. Shorter ones are words that people give to servers
/// which want no key, `none` or `ollama`, and an answer may well hold those.
const KEY_CHARS_MIN: usize = 20;

/// The keys that no answer may hold.
#[derive(Debug)]
pub(crate) struct Mask {
    secrets: Vec<Secret>,
}

impl Mask {
    /// Of `secrets`, those that nobody says by chance. Titles and addresses, which go into headers too, are
    /// not; of `Bearer KEY` the key is.
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let words = secrets.into_iter().filter_map(|secret| secret.reveal().split(' ').next_back());
        let is_key = |word: &&str| word.chars().count() >= KEY_CHARS_MIN && !word.contains("://");
        Self { secrets: words.filter(is_key).map(Secret::new).collect() }
    }

    /// The list without keys.
    pub(crate) fn models(&self, mut models: Vec<ModelInfo>) -> Vec<ModelInfo> {
        for model in &mut models {
            self.clean(&mut model.id);
            model.owner.iter_mut().for_each(|owner| self.clean(owner));
        }
        models
    }

    /// Vectors whose model has no key in its name.
    pub(crate) fn embeddings(&self, mut made: Embeddings) -> Embeddings {
        made.model.iter_mut().for_each(|model| self.clean(model));
        made
    }

    /// The answer without keys, also those that come in pieces: the end of a piece is held back for as long
    /// as a key may begin with it.
    pub(crate) fn events(self: &Arc<Self>, events: EventStream) -> EventStream {
        if self.secrets.is_empty() {
            return events;
        }
        masked(Arc::clone(self), events)
    }

    /// Whether a key comes in pieces in `events`, the beginning of an answer or all of it.
    pub(crate) fn is_spelt(
        self: &Arc<Self>,
        events: impl IntoIterator<Item = ProviderEvent>,
    ) -> bool {
        !self.secrets.is_empty() && is_spelt(self, events)
    }

    /// Bytes at the end of `said` that a key begins with, and that may go on as that key.
    pub(super) fn begun(&self, said: &str) -> usize {
        begun(said, &self.secrets)
    }

    /// `event` without the keys that it holds whole.
    pub(super) fn event(&self, mut event: ProviderEvent) -> ProviderEvent {
        match &mut event {
            ProviderEvent::Started { model, response_id } => {
                [model, response_id].into_iter().flatten().for_each(|text| self.clean(text));
            }
            ProviderEvent::CallStarted { id, function, .. } => {
                self.clean(id);
                self.clean(function);
            }
            ProviderEvent::ReasoningDetail(value) | ProviderEvent::Logprobs(value) => {
                self.value(value);
            }
            ProviderEvent::ReasoningEnded { native: Some(native) }
            | ProviderEvent::Native(native) => self.value(&mut native.block),
            ProviderEvent::Finished(Finish::Other(reason)) => self.clean(reason),
            _ => {}
        }
        event
    }

    /// Whether a key is in `text`.
    pub(super) fn is_in(&self, text: &str) -> bool {
        !found(text, &self.secrets).is_empty()
    }

    /// Takes the keys out of `text`.
    pub(super) fn clean(&self, text: &mut String) {
        if self.is_in(text) {
            *text = redact(text, &self.secrets);
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.clean(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.value(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
