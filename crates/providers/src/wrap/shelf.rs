//! Answers that are kept, within bounds.

use std::{collections::BTreeMap, mem, sync::Arc, time::Duration};

use branchwork_core::{
    message::Native,
    provider::{ProviderEvent, RenderedRequest},
};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// By what an answer is found: a hash of where the request goes and of what it says. There is no key in
/// either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn of(request: &RenderedRequest) -> Self {
        let mut hash = Sha256::new();
        // The length keeps apart what ends the one and what begins the other.
        hash.update((request.url.len() as u64).to_le_bytes());
        hash.update(&request.url);
        hash.update(request.body.sha256());
        Self(hash.finalize().into())
    }
}

/// Answers, each with when it was last wanted; the one that was not wanted for longest makes way.
#[derive(Debug)]
pub(super) struct Shelf {
    entries_max: usize,
    bytes_max: usize,
    time_max: Option<Duration>,
    answers: BTreeMap<Key, Kept>,
    /// By when they were last wanted.
    order: BTreeMap<u64, Key>,
    wanted: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    events: Arc<[ProviderEvent]>,
    bytes: usize,
    since: Instant,
    last: u64,
}

impl Shelf {
    pub(super) const fn new(
        entries_max: usize,
        bytes_max: usize,
        time_max: Option<Duration>,
    ) -> Self {
        Self {
            entries_max,
            bytes_max,
            time_max,
            answers: BTreeMap::new(),
            order: BTreeMap::new(),
            wanted: 0,
            bytes: 0,
        }
    }

    /// How many answers there are, and how many bytes they have.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.answers.len(), self.bytes)
    }

    /// The answer of that key, unless it is too old.
    pub(super) fn find(&mut self, key: Key, now: Instant) -> Option<Arc<[ProviderEvent]>> {
        let kept = self.answers.get_mut(&key)?;
        let age = now.saturating_duration_since(kept.since);
        if self.time_max.is_some_and(|max| age >= max) {
            self.remove(key);
            return None;
        }
        self.wanted += 1;
        self.order.remove(&mem::replace(&mut kept.last, self.wanted));
        self.order.insert(self.wanted, key);
        Some(Arc::clone(&kept.events))
    }

    /// Keeps an answer of so many bytes, and makes room for it.
    pub(super) fn keep(&mut self, key: Key, events: Vec<ProviderEvent>, bytes: usize) {
        if bytes > self.bytes_max || self.entries_max == 0 {
            return;
        }
        self.remove(key);
        while self.answers.len() >= self.entries_max || self.bytes + bytes > self.bytes_max {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.remove(oldest);
        }
        self.wanted += 1;
        let kept = Kept { events: events.into(), bytes, since: Instant::now(), last: self.wanted };
        self.bytes += bytes;
        self.order.insert(self.wanted, key);
        self.answers.insert(key, kept);
    }

    fn remove(&mut self, key: Key) {
        if let Some(kept) = self.answers.remove(&key) {
            self.order.remove(&kept.last);
            self.bytes -= kept.bytes;
        }
    }
}

/// About how much memory an event takes.
pub(super) fn bytes_of(event: &ProviderEvent) -> usize {
    let native = |native: &Native| native.block.to_string().len();
    let more = match event {
        ProviderEvent::Text(text)
        | ProviderEvent::Reasoning(text)
        | ProviderEvent::CallArguments { text, .. } => text.len(),
        ProviderEvent::CallStarted { id, function, .. } => id.len() + function.len(),
        ProviderEvent::ReasoningDetail(value) | ProviderEvent::Logprobs(value) => {
            value.to_string().len()
        }
        ProviderEvent::ReasoningEnded { native: Some(block) } | ProviderEvent::Native(block) => {
            native(block)
        }
        ProviderEvent::Started { model, response_id } => {
            [model, response_id].into_iter().flatten().map(String::len).sum()
        }
        ProviderEvent::Sibling { event, .. } => bytes_of(event),
        _ => 0,
    };
    size_of::<ProviderEvent>() + more
}
