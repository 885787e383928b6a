//! An answer without keys, also where they come in pieces.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use branchwork_core::provider::{EventStream, ProviderError, ProviderEvent};
use futures_util::{Stream, StreamExt as _, stream};

use super::{heard::Heard, keys::Mask};
use crate::wire::of_choice;

type Item = Result<ProviderEvent, ProviderError>;

/// `events` without the keys of `mask`. The end of a piece is held back for as long as a key may begin with it.
pub(super) fn masked(mask: Arc<Mask>, events: EventStream) -> EventStream {
    let state = (events.fuse(), Masking::new(mask));
    Box::pin(stream::unfold(state, |(mut events, mut masking)| async move {
        let event = masking.next(&mut events).await?;
        Some((event, (events, masking)))
    }))
}

/// Whether a key of `mask` comes in pieces in `events`, which are all of an answer or its beginning.
pub(super) fn is_spelt(mask: &Arc<Mask>, events: impl IntoIterator<Item = ProviderEvent>) -> bool {
    let mut masking = Masking::new(Arc::clone(mask));
    for event in events {
        masking.take(Ok(event));
        masking.ready.clear();
    }
    masking.is_spelt
}

/// A response while it comes.
struct Masking {
    mask: Arc<Mask>,
    /// Its answers by their numbers; 0 is the first.
    answers: BTreeMap<u32, Heard>,
    /// What can be handed on.
    ready: VecDeque<Item>,
    /// Whether a key came in pieces.
    is_spelt: bool,
}

impl Masking {
    const fn new(mask: Arc<Mask>) -> Self {
        Self { mask, answers: BTreeMap::new(), ready: VecDeque::new(), is_spelt: false }
    }

    /// The next event that can be handed on.
    async fn next(&mut self, events: &mut (impl Stream<Item = Item> + Unpin)) -> Option<Item> {
        while self.ready.is_empty() {
            let Some(event) = events.next().await else {
                self.end();
                break;
            };
            self.take(event);
        }
        self.ready.pop_front()
    }

    fn take(&mut self, event: Item) {
        match event {
            Ok(ProviderEvent::Sibling { choice, event }) => self.hear(choice, *event),
            Ok(event) => {
                if matches!(event, ProviderEvent::Finished(_)) {
                    self.end();
                }
                self.hear(0, event);
            }
            Err(error) => {
                self.end();
                self.ready.push_back(Err(error));
            }
        }
    }

    /// Takes what the answer with that number says.
    fn hear(&mut self, choice: u32, event: ProviderEvent) {
        let answer = self.answers.entry(choice).or_default();
        let events = answer.hear(event, &self.mask).into_iter();
        self.is_spelt |= answer.is_spelt;
        self.ready.extend(events.map(|event| Ok(of_choice(choice, event))));
    }

    /// Hands on all that was held back: nothing comes behind it.
    fn end(&mut self) {
        for (choice, mut answer) in std::mem::take(&mut self.answers) {
            let events = answer.end().into_iter();
            self.ready.extend(events.map(|event| Ok(of_choice(choice, event))));
        }
    }
}
