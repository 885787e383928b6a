//! What one answer said, without keys.

use std::collections::BTreeMap;

use branchwork_core::provider::ProviderEvent;

use super::keys::Mask;

/// One answer while it comes. Its texts are held back as far as a key may begin with their ends.
#[derive(Default)]
pub(super) struct Heard {
    /// Of the text or the thought that was said last.
    held: Option<(Kind, String)>,
    /// What belongs behind that and is no end of it.
    behind: Vec<ProviderEvent>,
    /// Of the arguments of calls, by their places: they may come in turns.
    arguments: BTreeMap<u32, String>,
    /// Whether a key was taken out of it.
    has_key: bool,
    /// Whether one came in pieces.
    pub(super) is_spelt: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Reasoning,
}

impl Kind {
    fn event(self, text: String) -> ProviderEvent {
        match self {
            Self::Text => ProviderEvent::Text(text),
            Self::Reasoning => ProviderEvent::Reasoning(text),
        }
    }
}

impl Heard {
    /// Takes the next event: what can be handed on now.
    pub(super) fn hear(&mut self, event: ProviderEvent, mask: &Mask) -> Vec<ProviderEvent> {
        match event {
            ProviderEvent::Text(text) => self.say(Kind::Text, text, mask),
            ProviderEvent::Reasoning(text) => self.say(Kind::Reasoning, text, mask),
            ProviderEvent::CallArguments { index, text } => self.argue(index, text, mask),
            // They spell a key token by token.
            ProviderEvent::Logprobs(_) if self.has_key => {
                self.is_spelt = true;
                Vec::new()
            }
            ProviderEvent::Logprobs(_)
            | ProviderEvent::Usage(_)
            | ProviderEvent::ReasoningDetail(_)
                if self.held.is_some() =>
            {
                self.behind.push(mask.event(event));
                Vec::new()
            }
            event @ (ProviderEvent::Logprobs(_)
            | ProviderEvent::Usage(_)
            | ProviderEvent::ReasoningDetail(_)) => vec![mask.event(event)],
            event @ ProviderEvent::Finished(_) => {
                let mut events = self.end();
                events.push(mask.event(event));
                events
            }
            event => {
                let mut events = self.let_go();
                events.push(mask.event(event));
                events
            }
        }
    }

    /// Hands on all that was held back: no key came of it.
    pub(super) fn end(&mut self) -> Vec<ProviderEvent> {
        let mut events = self.let_go();
        let arguments = std::mem::take(&mut self.arguments).into_iter();
        events.extend(arguments.map(|(index, text)| ProviderEvent::CallArguments { index, text }));
        events
    }

    fn say(&mut self, kind: Kind, text: String, mask: &Mask) -> Vec<ProviderEvent> {
        let mut events = match &self.held {
            Some((held, _)) if *held != kind => self.let_go(),
            _ => Vec::new(),
        };
        let held = self.held.take().map(|(_, held)| held);
        let (said, rest) = self.masked(held, text, mask);
        let is_decided = rest.is_empty() || !said.is_empty();
        events.extend(Some(said).filter(|said| !said.is_empty()).map(|said| kind.event(said)));
        self.held = Some((kind, rest)).filter(|(_, rest)| !rest.is_empty());
        if is_decided {
            events.append(&mut self.behind);
        }
        events
    }

    fn argue(&mut self, index: u32, text: String, mask: &Mask) -> Vec<ProviderEvent> {
        // A text that is held back is held on: one that goes on behind arguments is the same text.
        let held = self.arguments.remove(&index);
        let (text, rest) = self.masked(held, text, mask);
        if !rest.is_empty() {
            self.arguments.insert(index, rest);
        }
        let said = Some(text).filter(|text| !text.is_empty());
        said.map(|text| ProviderEvent::CallArguments { index, text }).into_iter().collect()
    }

    /// What is said with `held` before it, and what is held back of that.
    fn masked(&mut self, held: Option<String>, text: String, mask: &Mask) -> (String, String) {
        let is_piece = held.is_some();
        let mut said = match held {
            Some(held) => held + &text,
            None => text,
        };
        if mask.is_in(&said) {
            mask.clean(&mut said);
            let behind = self.behind.len();
            self.behind.retain(|event| !matches!(event, ProviderEvent::Logprobs(_)));
            self.has_key = true;
            self.is_spelt |= is_piece || self.behind.len() < behind;
        }
        let rest = said.split_off(said.len() - mask.begun(&said));
        (said, rest)
    }

    /// Hands on the text that was held back, and what belongs behind it.
    fn let_go(&mut self) -> Vec<ProviderEvent> {
        let held = self.held.take().map(|(kind, text)| kind.event(text));
        held.into_iter().chain(self.behind.drain(..)).collect()
    }
}
