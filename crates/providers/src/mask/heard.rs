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
    /// Takes the next event. What can be handed on now is added to `said`.
    pub(super) fn hear(
        &mut self,
        event: ProviderEvent,
        mask: &Mask,
        said: &mut Vec<ProviderEvent>,
    ) {
        match event {
            ProviderEvent::Text(text) => self.say(Kind::Text, text, mask, said),
            ProviderEvent::Reasoning(text) => self.say(Kind::Reasoning, text, mask, said),
            ProviderEvent::CallArguments { index, text } => self.argue(index, text, mask, said),
            // They spell a key token by token.
            ProviderEvent::Logprobs(_) if self.has_key => self.is_spelt = true,
            // They have no place in an answer, and there may be any number of them.
            ProviderEvent::Usage(_) => said.push(event),
            event @ (ProviderEvent::Logprobs(_) | ProviderEvent::ReasoningDetail(_)) => {
                let to = if self.held.is_some() { &mut self.behind } else { said };
                to.push(mask.event(event));
            }
            event @ ProviderEvent::Finished(_) => {
                self.end(said);
                said.push(mask.event(event));
            }
            event => {
                self.let_go(said);
                said.push(mask.event(event));
            }
        }
    }

    /// Hands on all that was held back: no key came of it.
    pub(super) fn end(&mut self, said: &mut Vec<ProviderEvent>) {
        self.let_go(said);
        let arguments = std::mem::take(&mut self.arguments).into_iter();
        said.extend(arguments.map(|(index, text)| ProviderEvent::CallArguments { index, text }));
    }

    fn say(&mut self, kind: Kind, text: String, mask: &Mask, said: &mut Vec<ProviderEvent>) {
        if self.held.as_ref().is_some_and(|(held, _)| *held != kind) {
            self.let_go(said);
        }
        let held = self.held.take().map(|(_, held)| held);
        let (text, rest) = self.masked(held, text, mask);
        let is_decided = rest.is_empty() || !text.is_empty();
        self.held = Some((kind, rest)).filter(|(_, rest)| !rest.is_empty());
        said.extend(Some(text).filter(|text| !text.is_empty()).map(|text| kind.event(text)));
        if is_decided {
            said.append(&mut self.behind);
        }
    }

    fn argue(&mut self, index: u32, text: String, mask: &Mask, said: &mut Vec<ProviderEvent>) {
        // A text that is held back is held on: one that goes on behind arguments is the same text.
        let held = self.arguments.remove(&index);
        let (text, rest) = self.masked(held, text, mask);
        if !rest.is_empty() {
            self.arguments.insert(index, rest);
        }
        let text = Some(text).filter(|text| !text.is_empty());
        said.extend(text.map(|text| ProviderEvent::CallArguments { index, text }));
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
    fn let_go(&mut self, said: &mut Vec<ProviderEvent>) {
        said.extend(self.held.take().map(|(kind, text)| kind.event(text)));
        said.append(&mut self.behind);
    }
}
