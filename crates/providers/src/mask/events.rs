//! An answer without keys, also where they come in pieces.

use std::{collections::VecDeque, sync::Arc};

use branchwork_core::provider::{EventStream, ProviderError, ProviderEvent};
use futures_util::{Stream, StreamExt as _, stream};

use super::keys::Mask;

type Item = Result<ProviderEvent, ProviderError>;

/// `events` without the keys of `mask`. The end of a piece is held back for as long as a key may begin with it.
pub(super) fn masked(mask: Arc<Mask>, events: EventStream) -> EventStream {
    let state = (events.fuse(), Masking::new(mask));
    Box::pin(stream::unfold(state, |(mut events, mut masking)| async move {
        let event = masking.next(&mut events).await?;
        Some((event, (events, masking)))
    }))
}

/// What a piece of an answer is of: pieces of one voice make one text.
#[derive(Clone, Copy, PartialEq)]
struct Voice {
    /// Which of several answers; 0 is the first.
    choice: u32,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Reasoning,
    Arguments(u32),
}

impl Voice {
    fn event(self, text: String) -> ProviderEvent {
        let event = match self.kind {
            Kind::Text => ProviderEvent::Text(text),
            Kind::Reasoning => ProviderEvent::Reasoning(text),
            Kind::Arguments(index) => ProviderEvent::CallArguments { index, text },
        };
        of_choice(self.choice, event)
    }
}

/// `event` as one of that answer.
fn of_choice(choice: u32, event: ProviderEvent) -> ProviderEvent {
    match choice {
        0 => event,
        choice => ProviderEvent::Sibling { choice, event: Box::new(event) },
    }
}

/// One answer while it comes.
struct Masking {
    mask: Arc<Mask>,
    /// The end of what was said, with which a key may begin.
    held: Option<(Voice, String)>,
    /// What can be handed on.
    ready: VecDeque<Item>,
}

impl Masking {
    const fn new(mask: Arc<Mask>) -> Self {
        Self { mask, held: None, ready: VecDeque::new() }
    }

    /// The next event that can be handed on.
    async fn next(&mut self, events: &mut (impl Stream<Item = Item> + Unpin)) -> Option<Item> {
        while self.ready.is_empty() {
            let Some(event) = events.next().await else {
                self.let_go();
                break;
            };
            self.take(event);
        }
        self.ready.pop_front()
    }

    fn take(&mut self, event: Item) {
        match event {
            Ok(ProviderEvent::Sibling { choice, event }) => self.hear(choice, *event),
            Ok(event) => self.hear(0, event),
            Err(error) => {
                self.let_go();
                self.ready.push_back(Err(error));
            }
        }
    }

    /// Takes what the answer with that number says.
    fn hear(&mut self, choice: u32, event: ProviderEvent) {
        let voice = |kind| Voice { choice, kind };
        match event {
            ProviderEvent::Text(text) => self.say(voice(Kind::Text), text),
            ProviderEvent::Reasoning(text) => self.say(voice(Kind::Reasoning), text),
            ProviderEvent::CallArguments { index, text } => {
                self.say(voice(Kind::Arguments(index)), text);
            }
            event => {
                self.let_go();
                self.ready.push_back(Ok(of_choice(choice, self.mask.event(event))));
            }
        }
    }

    fn say(&mut self, voice: Voice, text: String) {
        if self.held.as_ref().is_some_and(|(held, _)| *held != voice) {
            self.let_go();
        }
        let mut said = match self.held.take() {
            Some((_, held)) => held + &text,
            None => text,
        };
        self.mask.text(&mut said);
        let rest = said.split_off(said.len() - self.mask.begun(&said));
        if !said.is_empty() {
            self.ready.push_back(Ok(voice.event(said)));
        }
        self.held = Some((voice, rest)).filter(|(_, rest)| !rest.is_empty());
    }

    /// Hands on what was held back: no key came of it.
    fn let_go(&mut self) {
        let held = self.held.take();
        self.ready.extend(held.map(|(voice, text)| Ok(voice.event(text))));
    }
}
