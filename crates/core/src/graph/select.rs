//! Selecting and counting the messages of a view.

use std::{collections::BTreeMap, sync::Arc};

use super::View;
use crate::{
    filter::Filter,
    message::{Body, BodyKind, Message, Role},
};

/// How many messages a view has, by what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// By voice; voices that are not there are left out. So for the others.
    pub by_role: BTreeMap<Role, usize>,
    /// By kind.
    pub by_kind: BTreeMap<BodyKind, usize>,
    /// By sender.
    pub by_sender: BTreeMap<String, usize>,
}

impl View {
    /// The turn groups in which `filter` selects a message, as a whole, oldest first: what may be
    /// shown to a model. A message that is in no group is one of its own.
    pub fn select_groups<'a>(
        &'a self,
        filter: &'a Filter,
    ) -> impl Iterator<Item = &'a Arc<Message>> + 'a {
        self.groups().filter(|group| group.iter().any(|message| filter.selects(message))).flatten()
    }

    /// The turn groups, oldest first: an answer that makes calls with the results of its calls,
    /// any other message alone.
    pub fn groups(&self) -> impl Iterator<Item = Vec<&Arc<Message>>> + '_ {
        in_groups(self.messages())
    }

    /// How many messages there are, by role, kind and sender. Looks at each.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for message in self.messages() {
            counts.total += 1;
            *counts.by_role.entry(message.role()).or_default() += 1;
            *counts.by_kind.entry(message.body.kind()).or_default() += 1;
            match counts.by_sender.get_mut(&message.sender) {
                Some(count) => *count += 1,
                None => drop(counts.by_sender.insert(message.sender.clone(), 1)),
            }
        }
        counts
    }
}

/// `messages` in their turn groups. A result whose call is not among them is in a group of its own.
pub(crate) fn in_groups<M: AsRef<Message>>(
    messages: impl Iterator<Item = M>,
) -> impl Iterator<Item = Vec<M>> {
    let mut messages = messages.peekable();
    std::iter::from_fn(move || {
        let first = messages.next()?;
        let makes_calls = matches!(first.as_ref().body, Body::ActionRequest { .. });
        let mut group = vec![first];
        if makes_calls {
            let is_result =
                |message: &M| matches!(message.as_ref().body, Body::ActionResponse { .. });
            group.extend(std::iter::from_fn(|| messages.next_if(is_result)));
        }
        Some(group)
    })
}
