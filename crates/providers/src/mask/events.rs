//! An answer without keys, also where they come in pieces.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use branchwork_core::provider::{EventStream, ProviderError, ProviderEvent};
use futures_util::{Stream, StreamExt as _, stream::Fuse};

use super::{heard::Heard, keys::Mask};
use crate::wire::of_choice;

type Item = Result<ProviderEvent, ProviderError>;

/// `events` without the keys of `mask`. The end of a piece is held back for as long as a key may begin with it.
pub(super) fn masked(mask: Arc<Mask>, events: EventStream) -> EventStream {
    Box::pin(Masked { events: events.fuse(), masking: Masking::new(mask) })
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

/// The events of a response that can be handed on.
struct Masked {
    events: Fuse<EventStream>,
    masking: Masking,
}

impl Stream for Masked {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let Self { events, masking } = &mut *self;
        while masking.ready.is_empty() {
            let Some(event) = ready!(events.poll_next_unpin(context)) else {
                masking.end();
                break;
            };
            masking.take(event);
        }
        Poll::Ready(masking.ready.pop_front())
    }
}

/// A response while it comes.
struct Masking {
    mask: Arc<Mask>,
    /// Its answers by their numbers; 0 is the first.
    answers: BTreeMap<u32, Heard>,
    /// What one of them says just now; empty but for its room.
    said: Vec<ProviderEvent>,
    /// What can be handed on.
    ready: VecDeque<Item>,
    /// Whether a key came in pieces.
    is_spelt: bool,
}

impl Masking {
    const fn new(mask: Arc<Mask>) -> Self {
        Self {
            mask,
            answers: BTreeMap::new(),
            said: Vec::new(),
            ready: VecDeque::new(),
            is_spelt: false,
        }
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
        answer.hear(event, &self.mask, &mut self.said);
        self.is_spelt |= answer.is_spelt;
        self.hand_on(choice);
    }

    /// Hands on all that was held back: nothing comes behind it.
    fn end(&mut self) {
        for (choice, mut answer) in std::mem::take(&mut self.answers) {
            answer.end(&mut self.said);
            self.hand_on(choice);
        }
    }

    fn hand_on(&mut self, choice: u32) {
        self.ready.extend(self.said.drain(..).map(|event| Ok(of_choice(choice, event))));
    }
}
