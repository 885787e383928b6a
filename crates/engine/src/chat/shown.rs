//! What of a branch a model is shown.

use std::{collections::BTreeSet, sync::Arc};

use branchwork_core::{
    filter::leave_results_out,
    graph::View,
    id::MessageId,
    message::{Body, Draft, Message, Role},
    provider::CacheHints,
};

use super::{Ask, Options};

/// The instruction that was said last, and not made of others as a summary.
pub(crate) fn last_instruction(view: &View) -> Option<&Arc<Message>> {
    let is_instruction = |message: &&Arc<Message>| matches!(message.body, Body::Instruction { .. });
    let mut instructions = view.messages().rev().filter(is_instruction);
    instructions.find(|message| view.folded(message.id).is_none())
}

/// What providers with a prompt cache are told of a request with so many messages of `view`: when that is
/// not all of it as it stands, only whose root it has.
pub(crate) fn cache_hints(view: &View, shown: usize, results_kept: Option<u32>) -> CacheHints {
    let hints = view.cache_hints();
    let is_whole = shown == view.len() && results_kept.is_none();
    if is_whole { hints } else { CacheHints { shared: Vec::new(), ..hints } }
}

impl Options {
    /// What the model is shown of `view`: what is selected, the turn that begins with `instruction` as a
    /// whole, and no more results of tools than are kept.
    pub(super) fn shown(&self, view: &View, instruction: Option<MessageId>) -> Vec<Arc<Message>> {
        let mut messages: Vec<_> = match &self.shown {
            None => view.messages().map(Arc::clone).collect(),
            Some(filter) => {
                let begins = |message: &&Arc<Message>| Some(message.id) == instruction;
                let own = || view.messages().skip_while(move |message| !begins(message));
                let is_own: BTreeSet<_> = own().map(|message| message.id).collect();
                let shown = view.select_groups(filter).filter(|shown| !is_own.contains(&shown.id));
                shown.chain(own()).map(Arc::clone).collect()
            }
        };
        if let Some(kept) = self.results_kept {
            leave_results_out(&mut messages, kept as usize);
        }
        messages
    }

    /// What the model would be shown first, with what `ask` and these options write before that.
    pub(super) fn preview(&self, view: &View, ask: &Ask) -> Vec<Arc<Message>> {
        let mut messages = self.shown(view, None);
        match ask {
            Ask::Instruction(draft) => messages.push(Arc::new(draft.preview())),
            Ask::Resume => {}
            Ask::Again { text } => {
                let again = last_instruction(view).map(|instruction| instruction.id);
                let place = messages.iter().position(|message| Some(message.id) == again);
                messages.truncate(place.map_or(messages.len(), |place| place + 1));
                let said = messages.last().filter(|_| place.is_some());
                let body =
                    said.zip(text.as_ref()).and_then(|(said, text)| said.body.with_text(text));
                if let (Some(body), Some(said)) = (body, messages.last_mut()) {
                    *said = Arc::new(Message { body, ..(**said).clone() });
                }
            }
        }
        if let Some(text) = &self.system {
            let system = Draft::new(Body::System { text: text.clone() }).preview();
            match messages.iter_mut().find(|message| message.role() == Role::System) {
                Some(message) => *message = Arc::new(system),
                None => messages.insert(0, Arc::new(system)),
            }
        }
        messages
    }
}
